using System.Runtime.CompilerServices;
using UnixLoop.Timers;

namespace UnixLoop.Transports.UnixSockets;

// Who flushes on a thread of the pool sends by itself what it has left for later, as a rule: when its next read has to wait, or when it
// returns. It may also block. Then the loop has to send, and to wake it for each flush would cost as much as the send that it saves.
// So the loop promises beforehand: when bytes come, which answers will follow, it arms a timer and opens this list; while the list is open,
// any thread may put its output in, and the loop looks at all of them when the timer is due. The list stays open for as long as bytes
// come and outputs have something to send; it is closed otherwise, and then flushes send by themselves.
//
//   _first        meaning
//   s_closed      no timer; nobody may join
//   null          a timer is armed
//   an output     the same; linked by NextDeferred
//
// One word says both, so nobody joins a list that is being closed. An output that has sent by itself stays in until the timer: it need not join for its
// next flush. The list is emptied as a whole, so that an output that joins again while it is emptied can't be mistaken for its old place.
/// <summary>The outputs of a loop that may hold flushed bytes back, and when the loop sends them at the latest.</summary>
internal sealed class DeferredOutputs
{
    /// <summary>The least that epoll_wait(2) can wait; answers of many requests fall into it.</summary>
    private static readonly TimeSpan LongestDelay = TimeSpan.FromMilliseconds(1);

    private static readonly ConditionalWeakTable<UnixEventLoop, DeferredOutputs> s_ofLoops = [];
    private static readonly object s_closed = new();

    /// <summary>Null where the list stays closed: the time of another clock than the system's may stand still.</summary>
    private readonly LoopTimer? _timer;
    private object? _first = s_closed;

    // The loop's thread alone.
    private bool _isOpen;
    private bool _hasTraffic;

    /// <summary>One whose bytes have come since the timer.</summary>
    private SocketOutput? _busy;

    private volatile bool _hasSeveral;

    private DeferredOutputs(UnixEventLoop loop)
    {
        Burst = new OutputBurst(loop);
        _timer = loop.Clock == TimeProvider.System ? loop.CreateTimer(static self => ((DeferredOutputs)self!).SendOnLoop(), this) : null;
    }

    internal OutputBurst Burst { get; }

    /// <summary>Whether bytes have come for more than one since the timer; a hint, for any thread.</summary>
    internal bool HasSeveral => _hasSeveral;

    internal static DeferredOutputs Of(UnixEventLoop loop) => s_ofLoops.GetValue(loop, static loop => new DeferredOutputs(loop));

    /// <summary>Bytes have come for the reader of <paramref name="output"/>'s connection.</summary>
    internal void OpenOnLoop(SocketOutput output)
    {
        if (_timer is null)
            return;
        _busy ??= output;
        if (!ReferenceEquals(_busy, output))
            _hasSeveral = true;
        if (_isOpen)
        {
            _hasTraffic = true;
            return;
        }
        _isOpen = true;
        _timer.Change(LongestDelay, Timeout.InfiniteTimeSpan);
        Volatile.Write(ref _first, null);
    }

    /// <summary>Any thread, of an output that is not in. False: the list is closed.</summary>
    internal bool TryAdd(SocketOutput output)
    {
        object? first = Volatile.Read(ref _first);
        while (!ReferenceEquals(first, s_closed))
        {
            output.NextDeferred = (SocketOutput?)first;
            object? seen = Interlocked.CompareExchange(ref _first, output, first);
            if (ReferenceEquals(seen, first))
                return true;
            first = seen;
        }
        output.NextDeferred = null;
        return false;
    }

    private void SendOnLoop()
    {
        bool isWanted = _hasTraffic;
        _hasTraffic = _hasSeveral = false;
        _busy = null;
        var output = (SocketOutput?)Interlocked.Exchange(ref _first, null);
        while (output is not null)
        {
            SocketOutput? next = output.NextDeferred;
            output.NextDeferred = null;
            isWanted |= output.SendListedOnLoop();
            output = next;
        }
        _isOpen = isWanted || !TryClose();
        if (_isOpen)
            _timer!.Change(LongestDelay, Timeout.InfiniteTimeSpan);
    }

    /// <summary>False: somebody has joined meanwhile.</summary>
    internal bool TryClose() => Interlocked.CompareExchange(ref _first, s_closed, null) is null;
}
