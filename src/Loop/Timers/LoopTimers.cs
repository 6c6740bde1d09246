namespace UnixLoop.Timers;

/// <summary>The loop's timers: the arithmetic of the clock for any thread, the heap for the loop's.</summary>
internal sealed class LoopTimers(ILoopThread loop, TimeProvider clock)
{
    private readonly TimerHeap _heap = new();
    private int _count;

    internal TimeProvider Clock { get; } = clock;

    /// <summary>Armed timers; any thread.</summary>
    internal int Count => Volatile.Read(ref _count);

    internal long Now => Clock.GetTimestamp();

    /// <summary>The deadline of something due in <paramref name="delay"/>, in the clock's timestamps.</summary>
    internal long After(TimeSpan delay) => Add(Now, delay);

    internal long Add(long timestamp, TimeSpan delay)
    {
        UInt128 units = ((UInt128)(ulong)delay.Ticks * (ulong)Clock.TimestampFrequency + TimeSpan.TicksPerSecond - 1) / TimeSpan.TicksPerSecond;
        return units > (UInt128)(ulong)(long.MaxValue - 1 - timestamp) ? long.MaxValue - 1 : timestamp + (long)units;
    }

    /// <summary>What is left until <paramref name="deadline"/>, rounded up; zero if it has passed.</summary>
    internal TimeSpan Until(long deadline)
    {
        long units = deadline - Now;
        if (units <= 0)
            return TimeSpan.Zero;
        UInt128 ticks = ((UInt128)(ulong)units * TimeSpan.TicksPerSecond + (ulong)Clock.TimestampFrequency - 1) / (ulong)Clock.TimestampFrequency;
        return ticks > (UInt128)(ulong)TimeSpan.MaxValue.Ticks ? TimeSpan.MaxValue : TimeSpan.FromTicks((long)ticks);
    }

    /// <summary>Brings a changed timer into the heap, from any thread; after the loop's end, to its successor.</summary>
    internal void Apply(LoopTimer timer)
    {
        if (loop.IsOnLoopThread && !loop.HasEnded)
            ApplyOnLoop(timer);
        else if (!loop.TryPost(static t => t.Timers.ApplyOnLoop(t), timer))
            timer.HandOver();
    }

    internal void ApplyOnLoop(LoopTimer timer)
    {
        loop.AssertOnLoop();
        timer.ApplyOnLoop(_heap);
        Volatile.Write(ref _count, _heap.Count);
    }

    /// <summary>The earliest deadline, or null.</summary>
    internal long? NextDeadlineOnLoop => _heap.First?.Deadline;

    /// <summary>Takes out the earliest timer if it is due at <paramref name="now"/>.</summary>
    internal LoopTimer? TakeDueOnLoop(long now)
    {
        if (_heap.First is not { } timer || timer.Deadline > now)
            return null;
        _heap.Disarm(timer);
        return timer;
    }

    internal bool FireOnLoop(LoopTimer timer, long now)
    {
        try
        {
            return timer.FireOnLoop(_heap, now);
        }
        finally
        {
            Volatile.Write(ref _count, _heap.Count);
        }
    }

    /// <summary>The loop has ended: every timer that is still armed goes to the clock's own timers.</summary>
    internal void HandOver()
    {
        while (_heap.First is { } timer)
        {
            _heap.Disarm(timer);
            timer.HandOver();
        }
        Volatile.Write(ref _count, 0);
    }
}
