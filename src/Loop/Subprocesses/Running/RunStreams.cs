namespace UnixLoop.Subprocesses;

/// <summary>Where a run's streams go: what the start info leaves open is captured, or fed from the options.</summary>
internal readonly record struct RunStreams(Stdio Input, Stdio Output, Stdio Error)
{
    internal static RunStreams Of(SubprocessStartInfo startInfo, SubprocessRunOptions options) => new(
        startInfo.Input ?? (options.Input is null ? Stdio.Null : Stdio.Pipe),
        startInfo.Output ?? Stdio.Pipe,
        startInfo.Error ?? Stdio.Pipe);
}
