namespace UnixLoop;

/// <summary>
/// A snapshot of a loop's counters. Each figure is exact when it is read; the figures are not read in one instant, since the
/// loop goes on meanwhile.
/// </summary>
public readonly record struct UnixEventLoopStatistics
{
    /// <summary>How often the loop has gone round: one wait for readiness and the callbacks that follow it.</summary>
    public long Turns { get; init; }

    /// <summary>Callbacks run: posts, due timers and ready descriptors.</summary>
    public long Callbacks { get; init; }

    /// <summary>Readiness events that epoll_wait(2) has returned, wake-ups included.</summary>
    public long ReadyDescriptors { get; init; }

    /// <summary>Posts accepted, those still queued included.</summary>
    public long Posts { get; init; }

    /// <summary>Posts that wait for their turn.</summary>
    public int QueueDepth { get; init; }

    /// <summary>Timers armed, without cancelled ones.</summary>
    public int Timers { get; init; }

    /// <summary>Descriptors registered in the selector, without the loop's own eventfd.</summary>
    public int WatchedDescriptors { get; init; }

    /// <summary>Exceptions that callbacks let escape.</summary>
    public long UnhandledExceptions { get; init; }

    /// <summary>Time spent in callbacks and in the loop's own work, since the start.</summary>
    public TimeSpan ActiveTime { get; init; }

    /// <summary>Time spent asleep or polling in epoll_wait(2), since the start.</summary>
    public TimeSpan IdleTime { get; init; }

    /// <summary>
    /// How long something that became ready would have waited, by the last turn: its time from the end of the wait to the next
    /// wait. While a turn runs longer than the one before it, that time so far: a blocked loop shows here.
    /// </summary>
    public TimeSpan Lag { get; init; }

    /// <summary>The longest lag of a finished turn since the start.</summary>
    public TimeSpan MaxLag { get; init; }

    /// <summary>Active time as a share of all time, 0 to 1; 0 before the start.</summary>
    public double Utilization =>
        ActiveTime + IdleTime is { Ticks: > 0 } total ? ActiveTime / total : 0;
}
