using UnixLoop;

namespace WorkerApp.Jobs;

internal static partial class Log
{
    [LoggerMessage(9000, LogLevel.Information, "{Job}[{Pid}] started: {Program}", EventName = nameof(JobStarted))]
    internal static partial void JobStarted(ILogger logger, string job, int pid, string program);

    [LoggerMessage(9001, LogLevel.Information, "{Job}[{Pid}]: {Line}", EventName = nameof(JobWrote))]
    internal static partial void JobWrote(ILogger logger, string job, int pid, string line);

    [LoggerMessage(9002, LogLevel.Warning, "{Job}[{Pid}]: {Line}", EventName = nameof(JobWroteError))]
    internal static partial void JobWroteError(ILogger logger, string job, int pid, string line);

    [LoggerMessage(9003, LogLevel.Information, "{Job}[{Pid}] ended: {Status}; duration {Duration}, CPU time {CpuTime}", EventName = nameof(JobEnded))]
    internal static partial void JobEnded(ILogger logger, string job, int pid, ChildExitStatus status, TimeSpan duration, TimeSpan? cpuTime);

    [LoggerMessage(9004, LogLevel.Error, "{Job} could not be started: {Reason}", EventName = nameof(JobNotStarted))]
    internal static partial void JobNotStarted(ILogger logger, string job, string reason);

    [LoggerMessage(9005, LogLevel.Critical, "{Job} has failed, and is not run again before the next change of its configuration", EventName = nameof(JobFailed))]
    internal static partial void JobFailed(ILogger logger, Exception failure, string job);

    [LoggerMessage(9010, LogLevel.Information, "Configuration applied: {Started} periodic jobs started, {Stopped} stopped, {Kept} kept", EventName = nameof(JobsApplied))]
    internal static partial void JobsApplied(ILogger logger, int started, int stopped, int kept);

    [LoggerMessage(9011, LogLevel.Information, "Stopping {Count} jobs", EventName = nameof(JobsStopping))]
    internal static partial void JobsStopping(ILogger logger, int count);

    [LoggerMessage(9012, LogLevel.Error, "Configuration not applied, all jobs go on as they are: {Mistakes}", EventName = nameof(JobsNotApplied))]
    internal static partial void JobsNotApplied(ILogger logger, string mistakes);

    [LoggerMessage(9020, LogLevel.Information,
        "Loop {Loop}: {Turns} turns, {Callbacks} callbacks, {Posts} posts, {Ready} ready descriptors, queue {Queue}, {Timers} timers, "
        + "{Watched} watched descriptors, utilization {Utilization:P1}, lag {Lag:F3} ms, longest {MaxLag:F3} ms", EventName = nameof(LoopStatistics))]
    internal static partial void LoopStatistics(
        ILogger logger, string loop, long turns, long callbacks, long posts, long ready, int queue, int timers,
        int watched, double utilization, double lag, double maxLag);

    [LoggerMessage(9021, LogLevel.Information, "Children: {Running} running, {Started} started", EventName = nameof(ChildStatistics))]
    internal static partial void ChildStatistics(ILogger logger, int running, int started);

    [LoggerMessage(9022, LogLevel.Information, "{Job}: started {Runs} times, pid {Pid}", EventName = nameof(JobStatistics))]
    internal static partial void JobStatistics(ILogger logger, string job, int runs, int? pid);
}
