namespace UnixLoop.Timers;

/// <summary>
/// Wakes the loop at its earliest deadline where the clock is not the system's: such a clock can't end a blocked epoll_wait(2),
/// so that the loop waits without limit and one timer of the clock writes the eventfd. Loop thread only.
/// </summary>
internal sealed class DeadlineAlarm(LoopTimers timers, Action wake) : IDisposable
{
    private readonly ITimer _timer =
        timers.Clock.CreateTimer(static state => ((Action)state!)(), wake, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    private long? _armedFor;

    /// <summary>Arms the alarm for <paramref name="deadline"/>; false if that has passed already: then there is nothing to wait for.</summary>
    internal bool TryArm(long? deadline)
    {
        if (deadline is null)
        {
            if (_armedFor is not null)
                _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _armedFor = null;
            return true;
        }

        // The clock may be moved between reading it and arming the timer; then the timer stands too late. Read again.
        long before;
        do
        {
            before = timers.Now;
            if (deadline <= before)
                return false;
            if (_armedFor == deadline)
                return true;
            _timer.Change(timers.Until(deadline.Value), Timeout.InfiniteTimeSpan);
        }
        while (timers.Now != before);
        _armedFor = deadline;
        return true;
    }

    public void Dispose() => _timer.Dispose();
}
