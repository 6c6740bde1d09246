using System.Diagnostics;

namespace UnixLoop;

/// <summary>
/// The loop's counters. Written by the loop's thread alone (but for the unhandled exceptions), read by any thread: 64-bit
/// writes are atomic on the supported machines, and no lock is needed.
/// </summary>
internal sealed class LoopCounters
{
    private long _turns;
    private long _callbacks;
    private long _ready;
    private long _postsRun;
    private long _unhandledExceptions;
    private long _activeTicks;
    private long _idleTicks;
    private long _lastLag;
    private long _maxLag;

    /// <summary>When the present turn began; 0 while the loop waits.</summary>
    private long _turnBegan;

    internal void AddCallback() => Volatile.Write(ref _callbacks, _callbacks + 1);

    internal void AddPost() => Volatile.Write(ref _postsRun, _postsRun + 1);

    internal void AddUnhandledException() => Interlocked.Increment(ref _unhandledExceptions);

    internal void BeginTurn(long now) => Volatile.Write(ref _turnBegan, now);

    internal void BeginTurn(long now, long waitBegan, int ready)
    {
        Volatile.Write(ref _idleTicks, _idleTicks + now - waitBegan);
        Volatile.Write(ref _ready, _ready + ready);
        Volatile.Write(ref _turns, _turns + 1);
        Volatile.Write(ref _turnBegan, now);
    }

    /// <summary>Ends the active part of a turn and returns how long it was.</summary>
    internal TimeSpan EndTurn(long now)
    {
        long lag = _turnBegan == 0 ? 0 : now - _turnBegan;
        Volatile.Write(ref _turnBegan, 0);
        Volatile.Write(ref _activeTicks, _activeTicks + lag);
        Volatile.Write(ref _lastLag, lag);
        if (lag > _maxLag)
            Volatile.Write(ref _maxLag, lag);
        return Stopwatch.GetElapsedTime(0, lag);
    }

    internal UnixEventLoopStatistics Read(int queueDepth, int timers, int descriptors)
    {
        long turnBegan = Volatile.Read(ref _turnBegan);
        long running = turnBegan == 0 ? 0 : Math.Max(0, Stopwatch.GetTimestamp() - turnBegan);
        return new UnixEventLoopStatistics
        {
            Turns = Volatile.Read(ref _turns),
            Callbacks = Volatile.Read(ref _callbacks),
            ReadyDescriptors = Volatile.Read(ref _ready),
            Posts = Volatile.Read(ref _postsRun) + queueDepth,
            QueueDepth = queueDepth,
            Timers = timers,
            WatchedDescriptors = descriptors,
            UnhandledExceptions = Interlocked.Read(ref _unhandledExceptions),
            ActiveTime = Stopwatch.GetElapsedTime(0, Volatile.Read(ref _activeTicks) + running),
            IdleTime = Stopwatch.GetElapsedTime(0, Volatile.Read(ref _idleTicks)),
            Lag = Stopwatch.GetElapsedTime(0, Math.Max(running, Volatile.Read(ref _lastLag))),
            MaxLag = Stopwatch.GetElapsedTime(0, Volatile.Read(ref _maxLag)),
        };
    }
}
