using Microsoft.Extensions.Logging;

namespace UnixLoop.Signals;

internal static partial class SignalLog
{
    [LoggerMessage(1150, LogLevel.Debug, "Loop {Loop}: handler for {Signal} added", EventName = "SignalHandlerAdded")]
    internal static partial void Added(ILogger logger, string loop, UnixSignal signal);

    [LoggerMessage(1151, LogLevel.Debug, "Loop {Loop}: handler for {Signal} replaced", EventName = "SignalHandlerReplaced")]
    internal static partial void Replaced(ILogger logger, string loop, UnixSignal signal);

    [LoggerMessage(1152, LogLevel.Debug, "Loop {Loop}: handler for {Signal} removed", EventName = "SignalHandlerRemoved")]
    internal static partial void Removed(ILogger logger, string loop, UnixSignal signal);

    [LoggerMessage(1153, LogLevel.Debug, "Loop {Loop}: {Signal} received", EventName = "SignalReceived")]
    internal static partial void Received(ILogger logger, string loop, UnixSignal signal);

    [LoggerMessage(1154, LogLevel.Debug, "Loop {Loop}: {Signal} came after the loop had stopped", EventName = "SignalDropped")]
    internal static partial void Dropped(ILogger logger, string loop, UnixSignal signal);

    [LoggerMessage(1155, LogLevel.Information,
        "Loop {Loop}: {Signal} was ignored when the process began and stays so; its handler will not be called", EventName = "SignalIgnored")]
    internal static partial void Ignored(ILogger logger, string loop, UnixSignal signal);
}
