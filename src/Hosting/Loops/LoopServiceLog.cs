using Microsoft.Extensions.Logging;

namespace UnixLoop.Hosting;

/// <summary>Events 2100 to 2199.</summary>
internal static partial class LoopServiceLog
{
    [LoggerMessage(2100, LogLevel.Debug, "Loop '{Loop}' started.", EventName = "LoopStarted")]
    internal static partial void LoopStarted(ILogger logger, string loop);

    [LoggerMessage(2101, LogLevel.Debug, "Loop '{Loop}' stopped.", EventName = "LoopStopped")]
    internal static partial void LoopStopped(ILogger logger, string loop);

    [LoggerMessage(2102, LogLevel.Warning, "Loop '{Loop}' did not stop in time: a callback holds it.", EventName = "LoopNotStopped")]
    internal static partial void LoopNotStopped(ILogger logger, string loop);

    [LoggerMessage(2103, LogLevel.Critical, "Loop '{Loop}' has died: the application stops, with exit code 1.", EventName = "LoopDied")]
    internal static partial void LoopDied(ILogger logger, string loop, Exception exception);

    [LoggerMessage(2110, LogLevel.Information, "Children are watched by {Watcher}: {Reason}.", EventName = "ChildWatcherChosen")]
    internal static partial void ChildWatcherChosen(ILogger logger, string watcher, string reason);

    [LoggerMessage(2111, LogLevel.Debug, "Child {Pid} ('{FileName}') stopped with the host: {Status}.", EventName = "ChildStopped")]
    internal static partial void ChildStopped(ILogger logger, int pid, string fileName, ChildExitStatus status);

    [LoggerMessage(2112, LogLevel.Warning, "Child {Pid} ('{FileName}') outlived its grace of {Grace} and needed KILL: {Status}.", EventName = "ChildKilled")]
    internal static partial void ChildKilled(ILogger logger, int pid, string fileName, TimeSpan grace, ChildExitStatus status);

    [LoggerMessage(2113, LogLevel.Error, "Child {Pid} ('{FileName}') could not be reaped in time: it or its loop is held, or it runs as another user and may not be killed (EPERM).", EventName = "ChildNotReaped")]
    internal static partial void ChildNotReaped(ILogger logger, int pid, string fileName);

    [LoggerMessage(2114, LogLevel.Information, "Children stopped with the host: {Count}; needed KILL: {Killed}.", EventName = "ChildrenStopped")]
    internal static partial void ChildrenStopped(ILogger logger, int count, int killed);

    [LoggerMessage(2115, LogLevel.Warning, "Child {Pid} ('{FileName}') was killed without a TERM, since nothing was left of the host's time to stop: {Status}.", EventName = "ChildKilledAtOnce")]
    internal static partial void ChildKilledAtOnce(ILogger logger, int pid, string fileName, ChildExitStatus status);

    [LoggerMessage(2116, LogLevel.Warning, "Child {Pid} ('{FileName}') was killed before its grace of {Grace} was over, since the host's time to stop was: {Status}.", EventName = "ChildGraceCutShort")]
    internal static partial void ChildGraceCutShort(ILogger logger, int pid, string fileName, TimeSpan grace, ChildExitStatus status);

    [LoggerMessage(2120, LogLevel.Error, "A handler for {Signal} failed.", EventName = "SignalHandlerFailed")]
    internal static partial void SignalHandlerFailed(ILogger logger, UnixSignal signal, Exception exception);

    [LoggerMessage(2121, LogLevel.Warning, "A handler for {Signal} still runs while the host stops.", EventName = "SignalHandlerNotFinished")]
    internal static partial void SignalHandlerNotFinished(ILogger logger, UnixSignal signal);

    [LoggerMessage(2122, LogLevel.Information, "SIGHUP: the configuration was reloaded.", EventName = "ConfigurationReloaded")]
    internal static partial void ConfigurationReloaded(ILogger logger);

    [LoggerMessage(2123, LogLevel.Error, "SIGHUP: the configuration could not be reloaded.", EventName = "ConfigurationNotReloaded")]
    internal static partial void ConfigurationNotReloaded(ILogger logger, Exception exception);

    [LoggerMessage(2130, LogLevel.Information, "Shutdown, {Phase}: over after {Elapsed}; connections open: {Connections}.", EventName = "ShutdownPhaseEnded")]
    internal static partial void ShutdownPhaseEnded(ILogger logger, string phase, TimeSpan elapsed, int connections);

    [LoggerMessage(2131, LogLevel.Information, "Shutdown: over after {Elapsed}.", EventName = "ShutdownEnded")]
    internal static partial void ShutdownEnded(ILogger logger, TimeSpan elapsed);

    [LoggerMessage(2132, LogLevel.Information, "From a signal to the end this application takes up to {Total}, which an orchestrator must grant it: {ShutdownDelay} of draining, {ShutdownTimeout} to stop services and then children (up to {Grace} from TERM to KILL), and {Reserve} in reserve.", EventName = "ShutdownBudget")]
    internal static partial void ShutdownBudget(ILogger logger, TimeSpan total, TimeSpan shutdownDelay, TimeSpan shutdownTimeout, TimeSpan grace, TimeSpan reserve);

    [LoggerMessage(2133, LogLevel.Debug, "A client of the health socket got no answer.", EventName = "HealthNotAnswered")]
    internal static partial void HealthNotAnswered(ILogger logger, Exception exception);
}
