using Microsoft.Extensions.Logging;

namespace UnixLoop.Children;

/// <summary>Events 1200 to 1299 (docs/diagnostics.md), category "UnixLoop.Children".</summary>
internal static partial class ChildrenLog
{
    [LoggerMessage(1200, LogLevel.Warning, "{Watcher} leaves loop '{Loop}' with {Count} children still registered; they are reported after the next Attach.", EventName = "DetachedWithChildren")]
    internal static partial void DetachedWithChildren(ILogger logger, string watcher, string loop, int count);

    [LoggerMessage(1201, LogLevel.Warning, "{Watcher} is disposed with {Count} children unfinished; their handlers are still called when they end.", EventName = "DisposedWithChildren")]
    internal static partial void DisposedWithChildren(ILogger logger, string watcher, int count);

    [LoggerMessage(1202, LogLevel.Warning, "Child {Pid} was reaped by somebody else in this process: its exit status is lost.", EventName = "ChildReapedElsewhere")]
    internal static partial void ReapedElsewhere(ILogger logger, int pid);

    [LoggerMessage(1203, LogLevel.Debug, "Child {Pid} was reaped by somebody else in this process; the kernel still knew its status: {Status}.", EventName = "ChildStatusRecovered")]
    internal static partial void StatusRecovered(ILogger logger, int pid, ChildExitStatus status);

    [LoggerMessage(1204, LogLevel.Warning, "Child {Pid} can't be watched through a pidfd ({Reason}); a thread waits for it instead.", EventName = "ChildWatchedByThread")]
    internal static partial void PidfdNotWatched(ILogger logger, int pid, string reason);

    [LoggerMessage(1205, LogLevel.Warning, "Child {Pid} can't get a thread that waits for it; it is asked after every 100 ms instead.", EventName = "ChildWatchedBySweep")]
    internal static partial void NoWaitThread(ILogger logger, int pid, Exception exception);

    [LoggerMessage(1206, LogLevel.Debug, "Child {Pid} has gone to the orphan queue.", EventName = "ChildOrphaned")]
    internal static partial void Orphaned(ILogger logger, int pid);

    [LoggerMessage(1207, LogLevel.Warning, "Child {Pid} ended ({Status}) after its loop: its handler is called off the loop.", EventName = "ChildExitToldOffLoop")]
    internal static partial void ToldOffLoop(ILogger logger, int pid, ChildExitStatus status);

    [LoggerMessage(1208, LogLevel.Error, "The exit handler of child {Pid} threw, and its loop has ended.", EventName = "ChildExitHandlerFailed")]
    internal static partial void HandlerFailed(ILogger logger, int pid, Exception exception);

    [LoggerMessage(1209, LogLevel.Error, "Child {Pid} can't be reaped: waitid keeps failing. Its status is unknown.", EventName = "ChildWaitFailed")]
    internal static partial void WaitFailed(ILogger logger, int pid);

    [LoggerMessage(1210, LogLevel.Error, "No thread for the orphan queue; it is tried again every second.", EventName = "OrphanQueueWithoutThread")]
    internal static partial void NoOrphanThread(ILogger logger, Exception exception);

    [LoggerMessage(1211, LogLevel.Information, "SIGCHLD was ignored when this process began; it has been reset, so that exit statuses can be had.", EventName = "SigChildReset")]
    internal static partial void SigChildReset(ILogger logger);

    [LoggerMessage(1212, LogLevel.Warning, "SIGCHLD was ignored when this process began, and System.Diagnostics.Process came up before it was reset: exit statuses may be unknowable. Start the loop first.", EventName = "SigChildResetLate")]
    internal static partial void SigChildResetLate(ILogger logger);

    [LoggerMessage(1213, LogLevel.Warning, "Whether SIGCHLD is ignored can't be asked or mended ({Reason}): exit statuses may be unknowable.", EventName = "SigChildNotReset")]
    internal static partial void SigChildNotReset(ILogger logger, string reason);

    [LoggerMessage(1214, LogLevel.Warning, "This process is PID 1 on a kernel before 6.15: once the runtime handles SIGCHLD it reaps every child, and exit statuses are lost. Run it under an init (docker run --init), or begin Main with UnixInit.RunAsPid1.", EventName = "InitWithoutExitInfo")]
    internal static partial void InitWithoutExitInfo(ILogger logger);

    [LoggerMessage(1215, LogLevel.Warning, "Child {Pid} was nobody's: reaped ({Status}).", EventName = "UnknownChildReaped")]
    internal static partial void UnknownChildReaped(ILogger logger, int pid, ChildExitStatus status);

    [LoggerMessage(1216, LogLevel.Warning, "The handler of SIGCHLD was changed by outside code: it is left as it is, and exits may have been noticed late.", EventName = "SigChildHandlerChanged")]
    internal static partial void SigChildHandlerChanged(ILogger logger);
}
