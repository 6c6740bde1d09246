using System.Diagnostics;

namespace UnixLoop.Selector;

// A wake-up from a blocking wait costs two context switches, 30 to 50 µs on the machines that we measured; an event that comes
// sooner than that is had sooner by asking again and again, at the price of a core that does nothing else meanwhile.
//  - Whether that pays is told by the last wait: one that was not much longer than the window says that traffic is fast. The
//    bound is a multiple of the window, because a wait that blocked includes its own wake-up and the peer's.
//  - A poll that found nothing is paid for in vain. Each one in a row doubles the number of waits that block at once before the
//    next try, so that traffic that stays just too slow costs less and less; one that found something starts again at none.
/// <summary>Decides which waits begin with polling; the loop's thread alone. Times are timestamps of <see cref="Stopwatch"/>.</summary>
internal sealed class AdaptivePoll
{
    private const int PromisingWaits = 4;
    private const int MostSkips = 1024;

    private readonly long _promising;
    private int _skips;
    private int _skipsLeft;
    private bool _lastWaitWasShort;

    internal AdaptivePoll(TimeSpan window)
    {
        Window = (long)(window.TotalSeconds * Stopwatch.Frequency);
        _promising = Window * PromisingWaits;
    }

    /// <summary>How long one poll lasts at most.</summary>
    internal long Window { get; }

    /// <summary>Null where polling is off, or where it can't pay: with one processor it only keeps the peer from running.</summary>
    internal static AdaptivePoll? For(TimeSpan window, int processors) =>
        window > TimeSpan.Zero && processors > 1 ? new AdaptivePoll(window) : null;

    /// <summary>Whether the wait that begins now should poll first; asked once for each wait.</summary>
    internal bool ShouldPoll()
    {
        if (!_lastWaitWasShort)
            return false;
        if (_skipsLeft == 0)
            return true;
        _skipsLeft--;
        return false;
    }

    /// <summary>A poll has ended, and the loop has something to do, or it goes on to block.</summary>
    internal void Polled(bool paid)
    {
        _skips = paid ? 0 : Math.Clamp(_skips * 2, 1, MostSkips);
        _skipsLeft = _skips;
    }

    /// <summary>A wait is over, polled or not.</summary>
    internal void Waited(long duration) => _lastWaitWasShort = duration <= _promising;
}
