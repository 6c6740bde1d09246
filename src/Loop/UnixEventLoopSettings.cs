using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace UnixLoop;

/// <summary>How a <see cref="UnixEventLoop"/> is made.</summary>
public sealed class UnixEventLoopSettings
{
    /// <summary>The loop's name, in logs, metrics and as the thread's name (of which Linux shows 15 bytes).</summary>
    /// <value>Default "unix-loop"; not empty.</value>
    public string Name { get; init; } = "unix-loop";

    /// <summary>Where the loop, its watchers and its subprocesses log.</summary>
    /// <value>Default null: nowhere.</value>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <summary>Makes the meter "UnixLoop" (docs/diagnostics.md).</summary>
    /// <value>Default null: a meter of the loop's own, disposed with it.</value>
    public IMeterFactory? MeterFactory { get; init; }

    /// <summary>
    /// The clock. With <see cref="TimeProvider.System"/> the selector's timeout is used; with any other (a fake clock), the
    /// loop waits without limit and keeps one timer of that provider armed for the earliest deadline.
    /// </summary>
    /// <value>Default null: <see cref="TimeProvider.System"/>. The <see cref="IUnixEventLoop.TimeProvider"/> of a loop is refused.</value>
    public TimeProvider? TimeProvider { get; init; }

    /// <summary>Times every callback and warns of those slower than <see cref="SlowCallbackThreshold"/> (asyncio: <c>set_debug</c>).</summary>
    /// <value>Default false.</value>
    public bool Debug { get; init; }

    /// <summary>How long a callback may hold the loop before debug mode names it (asyncio: <c>slow_callback_duration</c>).</summary>
    /// <value>Default 100 ms; above zero.</value>
    public TimeSpan SlowCallbackThreshold { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// How long the loop asks epoll again and again before it blocks, while events follow each other that fast. It saves the
    /// wake-up, which is most of the latency of a single busy connection, and holds a core meanwhile; where events are rarer the loop
    /// blocks at once. Counts as idle time. Ignored with one processor.
    /// </summary>
    /// <value>Default 0: never; at most 1 ms. 50 µs is about what a wake-up costs.</value>
    public TimeSpan PollBeforeBlocking { get; init; }

    /// <summary>
    /// How long after it was told to stop <see cref="UnixEventLoop.Dispose"/> and <see cref="UnixEventLoop.DisposeAsync"/> still wait for a
    /// loop that a callback holds. That is logged then, and the loop ends when the callback lets it.
    /// </summary>
    /// <value>Default <see cref="Timeout.InfiniteTimeSpan"/>; else 0 to 24.8 days (<see cref="int.MaxValue"/> ms). Real time, whatever the <see cref="TimeProvider"/>.</value>
    public TimeSpan DisposeTimeout { get; init; } = Timeout.InfiniteTimeSpan;

    internal void Validate()
    {
        if (!OperatingSystem.IsLinux())
            throw new PlatformNotSupportedException("UnixLoop needs Linux (epoll, eventfd, pidfd); guard its use with OperatingSystem.IsLinux().");
        ArgumentException.ThrowIfNullOrWhiteSpace(Name);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(SlowCallbackThreshold, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(PollBeforeBlocking, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(PollBeforeBlocking, TimeSpan.FromMilliseconds(1));
        if (DisposeTimeout != Timeout.InfiniteTimeSpan)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(DisposeTimeout, TimeSpan.Zero);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(DisposeTimeout, TimeSpan.FromMilliseconds(int.MaxValue)); // Task.Wait's own
        }
        if (TimeProvider is LoopTimeProvider)
            throw new ArgumentException($"{nameof(TimeProvider)} is an event loop's own: a loop can't be its own clock.", nameof(TimeProvider));
    }
}
