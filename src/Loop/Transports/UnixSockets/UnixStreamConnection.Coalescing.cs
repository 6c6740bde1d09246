using System.IO.Pipelines;
using UnixLoop.Transports.UnixSockets;

namespace UnixLoop.Transports;

// What the output asks about the input, to leave a flush for later (SocketOutput.Deferring.cs), and what the input tells it. Without
// a lock: none of both holds the other's.
public sealed partial class UnixStreamConnection
{
    /// <summary>Whose reader's continuation runs on this thread, the innermost.</summary>
    [ThreadStatic]
    private static UnixStreamConnection? t_inCallback;

    internal bool IsInCallbackOfThisThread => ReferenceEquals(t_inCallback, this);

    internal bool HasReaderMore => _input.HasMore;

    internal void OnReaderStaysAway() => _input.ForgetMore();

    internal void OnReadWaits() => _output.OnFlushesEnded();

    /// <summary>Runs what awaited a read, on whatever thread that is.</summary>
    internal void RunCallback(ref SocketWaiter waiter)
    {
        if (!_options.CoalesceFlushes)
        {
            waiter.Run();
            return;
        }
        UnixStreamConnection? outer = t_inCallback;
        t_inCallback = this;
        try
        {
            waiter.Run();
        }
        finally
        {
            t_inCallback = outer;
            _output.OnFlushesEnded();
        }
    }

    private void ReadOnLoop(bool isPeerGone)
    {
        bool isInline = ReferenceEquals(_options.Scheduler, PipeScheduler.Inline);
        if (!isInline)
            _output.ExpectFlushesOnLoop();
        _input.OnReadableOnLoop(isPeerGone);
        // Inline code flushes within that, unless it has gone on elsewhere.
        if (isInline && HasReaderMore)
            _output.ExpectFlushesOnLoop();
    }
}
