using Microsoft.Extensions.Logging;

namespace UnixLoop;

/// <summary>The loop's log events; ids are unique and listed in docs/diagnostics.md.</summary>
internal static partial class LoopLog
{
    [LoggerMessage(1000, LogLevel.Error, "Event loop '{Loop}': {What}.", EventName = "UnhandledException")]
    internal static partial void UnhandledException(ILogger logger, Exception exception, string loop, string what);

    [LoggerMessage(1001, LogLevel.Error, "Event loop '{Loop}': a handler of UnhandledException failed; it was told: {What}.", EventName = "UnhandledExceptionHandlerFailed")]
    internal static partial void UnhandledExceptionHandlerFailed(ILogger logger, Exception exception, string loop, string what);

    [LoggerMessage(1002, LogLevel.Warning, "Event loop '{Loop}': {Callback} held the loop for {Milliseconds:F1} ms.", EventName = "SlowCallback")]
    internal static partial void SlowCallback(ILogger logger, string loop, string callback, double milliseconds);

    [LoggerMessage(1003, LogLevel.Critical, "Event loop '{Loop}' faulted and has ended.", EventName = "LoopFaulted")]
    internal static partial void Faulted(ILogger logger, Exception exception, string loop);

    [LoggerMessage(1004, LogLevel.Warning, "Event loop '{Loop}' ended without running {Count} posted callbacks.", EventName = "PostsDropped")]
    internal static partial void PostsDropped(ILogger logger, string loop, int count);

    [LoggerMessage(1005, LogLevel.Warning, "Event loop '{Loop}' has not ended {Timeout} after it was told to: a callback holds it, and its dispose does not wait on.", EventName = "LoopNotEnded")]
    internal static partial void NotEnded(ILogger logger, string loop, TimeSpan timeout);
}
