using Microsoft.Extensions.Logging;

namespace UnixLoop.Hosting.Supervision;

/// <summary>Event ids 2300 to 2399 (docs/diagnostics.md). Arguments and variables are never among what is logged.</summary>
internal static partial class SupervisionLog
{
    internal const string Category = "UnixLoop.Processes";

    internal static string OutputCategory(string name) => $"{Category}.{name}";

    [LoggerMessage(2300, LogLevel.Information, "{Process}[{Pid}] started: {FileName}", EventName = "ProcessStarted")]
    internal static partial void ProcessStarted(ILogger logger, string process, int pid, string fileName);

    [LoggerMessage(2301, LogLevel.Information, "{Process} is ready.", EventName = "ProcessReady")]
    internal static partial void ProcessReady(ILogger logger, string process);

    [LoggerMessage(2302, LogLevel.Warning, "{Process} was not ready within {ReadyTimeout}: it is stopped.", EventName = "ProcessNotReady")]
    internal static partial void ProcessNotReady(ILogger logger, string process, TimeSpan readyTimeout);

    [LoggerMessage(2303, LogLevel.Information, "{Process}[{Pid}] ended: {Status}; duration {Duration}, CPU time {CpuTime}", EventName = "ProcessEnded")]
    internal static partial void ProcessEnded(ILogger logger, string process, int pid, ChildExitStatus status, TimeSpan duration, TimeSpan? cpuTime);

    [LoggerMessage(2304, LogLevel.Error, "{Process} could not be started: {Reason}", EventName = "ProcessNotStarted")]
    internal static partial void ProcessNotStarted(ILogger logger, string process, string reason);

    [LoggerMessage(2305, LogLevel.Warning, "{Process} is started again in {Delay}.", EventName = "ProcessRestarts")]
    internal static partial void ProcessRestarts(ILogger logger, string process, TimeSpan delay);

    [LoggerMessage(2306, LogLevel.Error, "{Process} has failed: another start would exceed {MaxStarts} within {StartWindow}.", EventName = "ProcessGivenUp")]
    internal static partial void ProcessGivenUp(ILogger logger, string process, int maxStarts, TimeSpan startWindow);

    [LoggerMessage(2307, LogLevel.Error, "{Process} has failed; its restart policy is {Restart}.", EventName = "ProcessFailed")]
    internal static partial void ProcessFailed(ILogger logger, string process, RestartPolicy restart);

    [LoggerMessage(2308, LogLevel.Debug, "{Process} is {State}.", EventName = "ProcessAtRest")]
    internal static partial void ProcessAtRest(ILogger logger, string process, SupervisedProcessState state);

    [LoggerMessage(2309, LogLevel.Error, "{Process}[{Pid}] can't be stopped: it is waited for.", EventName = "ProcessStopForbidden")]
    internal static partial void StopForbidden(ILogger logger, string process, int pid, Exception exception);

    [LoggerMessage(2310, LogLevel.Information, "{Process}[{Pid}]: {Line}", EventName = "ProcessOutput")]
    internal static partial void Output(ILogger logger, string process, int pid, string line);

    [LoggerMessage(2311, LogLevel.Warning, "{Process}[{Pid}]: {Line}", EventName = "ProcessErrorOutput")]
    internal static partial void ErrorOutput(ILogger logger, string process, int pid, string line);

    [LoggerMessage(2312, LogLevel.Warning, "{Process}[{Pid}] has ended, but {Bound} later another process still holds its output: closed.", EventName = "ProcessOutputCutOff")]
    internal static partial void OutputCutOff(ILogger logger, string process, int pid, TimeSpan bound);

    [LoggerMessage(2313, LogLevel.Error, "{Process}[{Pid}]: its output can't be read any more.", EventName = "ProcessOutputLost")]
    internal static partial void OutputLost(ILogger logger, string process, int pid, Exception exception);

    [LoggerMessage(2314, LogLevel.Warning, "{Process}: ReadyPattern took longer than {Timeout} for one line, which counts as no match.", EventName = "ReadyPatternTooSlow")]
    internal static partial void PatternTooSlow(ILogger logger, string process, TimeSpan timeout);

    [LoggerMessage(2315, LogLevel.Warning, "{Process}[{Pid}] was killed: it had not ended {Elapsed} after {StopSignal}, of a grace of {Grace}.", EventName = "ProcessKilled")]
    internal static partial void ProcessKilled(ILogger logger, string process, int pid, TimeSpan elapsed, string stopSignal, TimeSpan grace);

    [LoggerMessage(2320, LogLevel.Information, "Supervised processes after the reload: {Added} added, {Removed} removed, {Changed} changed, {Kept} kept.", EventName = "ProcessesReloaded")]
    internal static partial void Reloaded(ILogger logger, int added, int removed, int changed, int kept);

    [LoggerMessage(2321, LogLevel.Error, "The reloaded configuration of supervised processes has mistakes, and nothing is changed: {Mistakes}", EventName = "ProcessesNotReloaded")]
    internal static partial void NotReloaded(ILogger logger, string mistakes);

    [LoggerMessage(2330, LogLevel.Critical, "{Process} has failed: the application stops, with exit code 1.", EventName = "HostStoppedByProcess")]
    internal static partial void HostStopped(ILogger logger, string process);

    [LoggerMessage(2331, LogLevel.Critical, "The supervision of {Process} has failed: the application stops, with exit code 1.", EventName = "SupervisionFailed")]
    internal static partial void SupervisionFailed(ILogger logger, string process, Exception exception);

    [LoggerMessage(2332, LogLevel.Error, "A handler of ISupervisor.StateChanged failed.", EventName = "StateHandlerFailed")]
    internal static partial void StateHandlerFailed(ILogger logger, Exception exception);

    [LoggerMessage(2333, LogLevel.Error, "{Process}[{Pid}] has not ended within the host's time: it or its loop is held, or it runs as another user and may not be killed (EPERM).", EventName = "ProcessNotReaped")]
    internal static partial void NotReaped(ILogger logger, string process, int? pid);

    [LoggerMessage(2334, LogLevel.Error, "{Process}[{Pid}] has ended, but the log has not taken all that it wrote within the host's time: the rest may be lost.", EventName = "ProcessOutputUnlogged")]
    internal static partial void OutputUnlogged(ILogger logger, string process, int pid);
}
