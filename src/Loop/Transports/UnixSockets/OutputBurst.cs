namespace UnixLoop.Transports.UnixSockets;

// Pipelined answers of many connections become complete one connection after the other, on threads of the pool. A peer that is woken for each of them
// asks again for each, and wakes the loop for each: both sides spend more on waking than on the bytes. So a complete answer waits for the callbacks
// that are in the pool's queue by then: its work item stands behind them, and sends for all in one go.
/// <summary>Outputs that are to be sent one right after the other.</summary>
internal sealed class OutputBurst(UnixEventLoop loop) : IThreadPoolWorkItem
{
    /// <summary>Linked by <see cref="SocketOutput.NextInBurst"/>; while it is not null, the work item is queued.</summary>
    private SocketOutput? _latest;

    /// <summary>Any thread, of an output that is not in.</summary>
    internal void Add(SocketOutput output)
    {
        SocketOutput? before = Volatile.Read(ref _latest);
        while (true)
        {
            output.NextInBurst = before;
            SocketOutput? seen = Interlocked.CompareExchange(ref _latest, output, before);
            if (ReferenceEquals(seen, before))
                break;
            before = seen;
        }
        if (before is null)
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute()
    {
        SocketOutput? output = Interlocked.Exchange(ref _latest, null);
        while (output is not null)
        {
            SocketOutput? next = output.NextInBurst;
            output.NextInBurst = null;
            try
            {
                output.SendInBurst();
            }
            catch (Exception e)
            {
                loop.ReportUnhandled(new UnhandledExceptionContext($"The sending of {output} failed", e, output));
            }
            output = next;
        }
    }
}
