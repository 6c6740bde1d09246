namespace UnixLoop;

/// <summary>What is known of an exception that a callback let escape (asyncio: the context of <c>call_exception_handler</c>).</summary>
/// <param name="Message">What the loop was doing, for a log line.</param>
/// <param name="Exception">What was thrown.</param>
/// <param name="Source">The object at work: the loop, a watcher, a transport; null when unknown.</param>
public sealed record UnhandledExceptionContext(string Message, Exception Exception, object? Source)
{
    /// <summary>The descriptor concerned, if any.</summary>
    public int? Descriptor { get; init; }

    /// <summary>The process concerned, if any.</summary>
    public int? ProcessId { get; init; }
}
