using UnixLoop;

namespace WorkerApp.Run;

/// <summary>The exit codes of env(1) and timeout(1); else the child's, or 128 + n where signal n killed it.</summary>
internal static class ExitCodes
{
    internal const int NotStarted = 1;
    internal const int Usage = 2;
    internal const int TimedOut = 124;
    internal const int OurFailure = 125;
    internal const int NotExecutable = 126;
    internal const int NotFound = 127;

    internal static int For(SubprocessStartError reason) => reason switch
    {
        SubprocessStartError.NotFound or SubprocessStartError.MissingInterpreter => NotFound,
        SubprocessStartError.NoDescriptors or SubprocessStartError.NoProcesses or SubprocessStartError.Other => OurFailure,
        _ => NotExecutable,
    };
}
