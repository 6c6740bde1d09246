namespace UnixLoop.Hosting.Supervision;

/// <summary>Turns options into what is started.</summary>
internal static class StartInfo
{
    internal static SubprocessStartInfo Of(SupervisedProcessOptions options)
    {
        var info = new SubprocessStartInfo(options.FileName, options.Arguments)
        {
            WorkingDirectory = options.WorkingDirectory,
            ClearEnvironment = options.ClearEnvironment,
            Input = Stdio.Null,
            Output = Stdio.Pipe,
            Error = Stdio.Pipe,
            StopSignal = UnixSignal.Parse(options.StopSignal),
            Attributes = ProcessAttributes.Of(options),
        };
        foreach ((string name, string? value) in options.Environment)
            info.Environment[name] = value;
        return info;
    }
}
