namespace UnixLoop.Timers;

// A timer may be changed from any thread; the heap belongs to the loop. What is wanted stands under _gate; the loop's thread
// brings it into the heap, at once if the caller is there, else through a post. Before it fires, the loop looks at what is
// wanted, so that a timer cancelled by another thread does not fire even if that post has not run yet.
internal sealed class LoopTimer : ITimer
{
    private const long Never = long.MaxValue;

    /// <summary>What System.Threading.Timer takes, and so every successor.</summary>
    private static readonly TimeSpan LongestOfAnyClock = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    private readonly LoopTimers _timers;
    private readonly TimerCallback _callback;
    private readonly object? _state;
    private readonly bool _outlivesLoop;
    private readonly Lock _gate = new();

    /// <summary>Guarded by <see cref="_gate"/>: the wanted deadline in the clock's timestamps.</summary>
    private long _wanted = Never;
    private TimeSpan _period = Timeout.InfiniteTimeSpan;
    private bool _disposed;

    /// <summary>Guarded by <see cref="_gate"/>: fires on the thread pool once the loop has ended.</summary>
    private ITimer? _successor;

    /// <param name="timers">The loop's timers.</param>
    /// <param name="callback">Runs on the loop's thread.</param>
    /// <param name="state">Handed to the callback.</param>
    /// <param name="outlivesLoop">Whether it goes on firing, on the thread pool, when the loop has ended: somebody may await it.</param>
    internal LoopTimer(LoopTimers timers, TimerCallback callback, object? state, bool outlivesLoop)
    {
        _outlivesLoop = outlivesLoop;
        _timers = timers;
        _callback = callback;
        _state = state;
    }

    /// <summary>The heap's business; loop thread only.</summary>
    internal long Deadline { get; set; }

    /// <summary>The heap's business; loop thread only.</summary>
    internal long Sequence { get; set; }

    /// <summary>The heap's business; loop thread only. -1 while not in the heap.</summary>
    internal int HeapIndex { get; set; } = -1;

    internal LoopTimers Timers => _timers;

    /// <summary>What the timer calls, to name it in logs.</summary>
    internal Delegate Callback => _state as Delegate ?? _callback;

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        CheckDuration(dueTime, nameof(dueTime));
        CheckDuration(period, nameof(period));
        lock (_gate)
        {
            if (_disposed)
                return false;
            if (_successor is not null)
                return _successor.Change(dueTime, period);
            _wanted = dueTime == Timeout.InfiniteTimeSpan ? Never : _timers.After(dueTime);
            _period = period == TimeSpan.Zero ? Timeout.InfiniteTimeSpan : period;
        }
        _timers.Apply(this);
        return true;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            _wanted = Never;
            _successor?.Dispose();
        }
        _timers.Apply(this);
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return default;
    }

    /// <summary>Brings the heap in line with what is wanted.</summary>
    internal void ApplyOnLoop(TimerHeap heap)
    {
        long wanted;
        lock (_gate)
        {
            wanted = _wanted;
        }
        if (wanted == Never)
            heap.Disarm(this);
        else if (HeapIndex < 0 || Deadline != wanted)
            heap.Arm(this, wanted);
    }

    /// <summary>Runs the callback if the timer is still wanted at <paramref name="now"/>; it has been taken out of the heap.</summary>
    internal bool FireOnLoop(TimerHeap heap, long now)
    {
        lock (_gate)
        {
            if (_wanted == Never)
                return false;
            if (_wanted > now)
            {
                heap.Arm(this, _wanted);
                return false;
            }
            if (_period == Timeout.InfiniteTimeSpan)
            {
                _wanted = Never;
            }
            else
            {
                // From the deadline, not from now: a period does not drift. One that was missed is not made up for.
                _wanted = Math.Max(_timers.Add(_wanted, _period), now + 1);
                heap.Arm(this, _wanted);
            }
        }
        _callback(_state);
        return true;
    }

    /// <summary>The loop has ended: what others await still comes, on the thread pool.</summary>
    internal void HandOver()
    {
        lock (_gate)
        {
            if (!_outlivesLoop || _disposed || _successor is not null)
                return;
            TimeSpan due = _wanted == Never ? Timeout.InfiniteTimeSpan : _timers.Until(_wanted);
            _successor = _timers.Clock.CreateTimer(_callback, _state, due, _period);
        }
    }

    private void CheckDuration(TimeSpan duration, string name)
    {
        if (duration < TimeSpan.Zero && duration != Timeout.InfiniteTimeSpan)
            throw new ArgumentOutOfRangeException(name, duration, "A timer's duration is zero or more, or Timeout.InfiniteTimeSpan.");
        if (_outlivesLoop && duration > LongestOfAnyClock)
            throw new ArgumentOutOfRangeException(name, duration, $"A timer's duration is at most {LongestOfAnyClock}, as for TimeProvider.System.");
    }
}
