using Microsoft.Extensions.Logging;
using Tmds.Linux;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Children;

/// <summary>
/// Sees that dead children stay zombies until somebody asks for them (linux.md, rule 15): a process that began with SIGCHLD
/// ignored has none, and its waits fail with ECHILD.
/// </summary>
internal static class SigChildDisposition
{
    private static readonly Lock s_gate = new();
    private static bool s_done;

    /// <summary>Mends the disposition and says what can't be mended: the first time only, for the disposition is the process's.</summary>
    internal static void EnsureChildrenCanBeReaped(ILogger logger)
    {
        lock (s_gate)
        {
            if (s_done)
                return;
            s_done = true;
        }
        ResetIfIgnored(logger);
        // As PID 1 the runtime reaps every child as soon as it handles SIGCHLD.
        if (Environment.ProcessId == 1 && !PidfdExitInfo.IsSupported)
            ChildrenLog.InitWithoutExitInfo(logger);
    }

    private static unsafe void ResetIfIgnored(ILogger logger)
    {
        sigaction current;
        PosixResult result = Libc.SigAction(SIGCHLD, action: null, &current);
        if (result.IsSuccess && current.sa_handler == SIG_IGN)
        {
            // Process and PosixSignalRegistration respect an ignored signal: they note it, and leave it.
            bool seenByRuntime = AppDomain.CurrentDomain.GetAssemblies().Any(static a => a.GetName().Name == "System.Diagnostics.Process");
            sigaction standard = new() { sa_handler = SIG_DFL };
            result = Libc.SigAction(SIGCHLD, &standard, previous: null);
            if (result.IsSuccess && !seenByRuntime)
                ChildrenLog.SigChildReset(logger);
            else if (result.IsSuccess)
                ChildrenLog.SigChildResetLate(logger);
        }
        if (result.IsError)
            ChildrenLog.SigChildNotReset(logger, PosixError.ToException(result, "sigaction").Message);
    }
}
