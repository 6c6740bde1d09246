using UnixLoop.Selector;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>Calls back after 1, 2, 4 … 100 ms, for room that nothing announces. Guarded by the sender's gate.</summary>
internal sealed class BackOff(UnixEventLoop loop, Action callback)
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(100);

    private ITimer? _timer;
    private TimeSpan _next = Shortest;

    /// <exception cref="ObjectDisposedException">The loop has ended.</exception>
    internal void WaitNeedsLock()
    {
        if (loop.HasEnded)
            throw EpollSelector.LoopEnded();
        // A timer that still fires after the loop's end, on the pool, so that those who wait are told.
        _timer ??= loop.TimeProvider.CreateTimer(static callback => ((Action)callback!)(), callback, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(_next, Timeout.InfiniteTimeSpan);
        _next = _next * 2 < Longest ? _next * 2 : Longest;
    }

    /// <summary>There was room: the next wait begins anew.</summary>
    internal void ResetNeedsLock() => _next = Shortest;

    internal void StopNeedsLock()
    {
        _timer?.Dispose();
        _timer = null;
        _next = Shortest;
    }
}
