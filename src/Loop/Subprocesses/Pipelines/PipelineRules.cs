namespace UnixLoop.Subprocesses;

/// <summary>Refuses a pipeline whose members ask for streams that the pipeline itself joins.</summary>
internal static class PipelineRules
{
    internal static void Check(SubprocessPipeline pipeline, SubprocessRunOptions options)
    {
        Check(pipeline);
        RunOptionRules.Check(pipeline.Members[0], options);
    }

    internal static void Check(SubprocessPipeline pipeline)
    {
        int count = pipeline.Members.Count;
        for (int i = 0; i < count; i++)
        {
            SubprocessStartInfo member = pipeline.Members[i];
            if (i > 0 && member.Input is not null)
                throw Refuse(member, i, count, nameof(SubprocessStartInfo.Input), member.Input, "it reads what the one before it writes");
            if (i < count - 1 && member.Output is not null)
                throw Refuse(member, i, count, nameof(SubprocessStartInfo.Output), member.Output, "it writes to the one after it");
        }
    }

    private static ArgumentException Refuse(SubprocessStartInfo member, int index, int count, string property, Stdio value, string why) =>
        new($"'{member.FileName}' is {index + 1} of {count} in a pipeline, and its {property} is '{value}'; it has to be null, since {why}.");
}
