using Microsoft.Extensions.Options;

namespace WorkerApp.Jobs;

/// <summary>Lists every mistake at once, at the start and at each reload: what passes here can be run.</summary>
internal sealed class WorkerOptionsValidator : IValidateOptions<WorkerOptions>
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);

    /// <summary>What a PeriodicTimer takes is a little more.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromDays(49);

    public ValidateOptionsResult Validate(string? name, WorkerOptions options)
    {
        ValidateOptionsResultBuilder mistakes = new();
        foreach ((string job, JobOptions? settings) in options.Jobs)
        {
            foreach (string mistake in MistakesOf(settings ?? new JobOptions()))
                mistakes.AddError($"Worker:Jobs:{job}{mistake}");
        }
        return mistakes.Build();
    }

    private static IEnumerable<string> MistakesOf(JobOptions job)
    {
        if (job.Command is not [{ Length: > 0 }, ..])
            yield return ":Command is empty; it must name a program.";
        for (int i = 0; i < job.Command.Length; i++)
        {
            if (job.Command[i] is { } word && word.Contains('\0'))
                yield return $":Command:{i} is '{word.Replace("\0", "\\0", StringComparison.Ordinal)}'; an argument can't hold a NUL.";
        }
        if (job.KeepRunning == job.Every.HasValue)
            yield return " must have either Every or KeepRunning: true.";
        if (job.Every < Shortest || job.Every > Longest)
            yield return $":Every is {job.Every}; it must be {Shortest} to {Longest}.";
    }
}
