using Microsoft.Extensions.Logging;

namespace UnixLoop.Subprocesses;

/// <summary>Event ids 1300 to 1339 (docs/diagnostics.md).</summary>
internal static partial class SubprocessLog
{
    [LoggerMessage(EventId = 1300, EventName = "SubprocessStarted", Level = LogLevel.Debug, Message = "'{File}' started, pid {Pid}.")]
    internal static partial void Started(ILogger logger, string file, int pid);

    [LoggerMessage(EventId = 1301, EventName = "SubprocessExited", Level = LogLevel.Debug, Message = "'{File}' (pid {Pid}) ended: {Exit}.")]
    internal static partial void Exited(ILogger logger, string file, int pid, ChildExitStatus exit);

    [LoggerMessage(EventId = 1302, EventName = "SubprocessStartFailed", Level = LogLevel.Debug, Message = "'{File}' could not be started.")]
    internal static partial void StartFailed(ILogger logger, Exception error, string file);

    [LoggerMessage(EventId = 1303, EventName = "SubprocessHandleLost", Level = LogLevel.Warning,
        Message = "The handle of '{File}' (pid {Pid}) was dropped without being disposed: its input ends, and its output is closed when its buffer is full or the child has ended.")]
    internal static partial void HandleLost(ILogger logger, string file, int pid);

    [LoggerMessage(EventId = 1304, EventName = "SubprocessOutputCutOff", Level = LogLevel.Debug,
        Message = "'{File}' (pid {Pid}) has ended, but {Bound} later another process still holds its output pipe: closed.")]
    internal static partial void OutputCutOff(ILogger logger, string file, int pid, TimeSpan bound);

    [LoggerMessage(EventId = 1305, EventName = "SubprocessKillForbidden", Level = LogLevel.Warning,
        Message = "'{File}' (pid {Pid}) can't be killed (EPERM): it runs on, and is watched.")]
    internal static partial void KillForbidden(ILogger logger, string file, int pid);

    [LoggerMessage(EventId = 1306, EventName = "SubprocessNotReaped", Level = LogLevel.Warning,
        Message = "'{File}' (pid {Pid}) was killed and has not ended within {Bound}: it is left to its watcher.")]
    internal static partial void NotReaped(ILogger logger, string file, int pid, TimeSpan bound);
}
