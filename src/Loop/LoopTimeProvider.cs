using UnixLoop.Timers;

namespace UnixLoop;

/// <summary>The clock below, with timers that call back on the loop's thread (after its end: on the thread pool).</summary>
internal sealed class LoopTimeProvider(UnixEventLoop loop, LoopTimers timers) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => timers.Clock.GetUtcNow();

    public override long GetTimestamp() => timers.Clock.GetTimestamp();

    public override long TimestampFrequency => timers.Clock.TimestampFrequency;

    public override TimeZoneInfo LocalTimeZone => timers.Clock.LocalTimeZone;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new LoopTimer(timers, callback, state, outlivesLoop: true);
        timer.Change(dueTime, period);
        return timer;
    }

    public override string ToString() => $"TimeProvider of {loop}";
}
