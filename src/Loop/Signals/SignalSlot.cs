namespace UnixLoop.Signals;

/// <summary>
/// One loop's place for one signal, from the first Add to Remove. A second Add changes <see cref="Handler"/> and keeps the
/// slot, so that a delivery on its way is told to the new handler; after Remove it is told to nobody.
/// </summary>
internal sealed class SignalSlot(UnixSignal signal, SignalLoop loop, SerialCalls calls) : SignalWork, ISignalSubscriber
{
    /// <summary>Real-time signals queue (signal(7)): each is told. Standard ones coalesce, here as in the kernel.</summary>
    private readonly bool _coalesces = signal.Number < Interop.Libc.SigRtMin;

    /// <summary>1 while a callback for a standard signal waits for its turn on the loop.</summary>
    private int _posted;

    public UnixSignal Signal => signal;

    /// <summary>Null after Remove. Written under the table's lock, read by any thread.</summary>
    internal volatile SignalHandler? Handler;

    public void Deliver()
    {
        try
        {
            if (Handler is not { } handler)
                return;
            loop.Received(signal);
            Dispatch(handler);
        }
        catch (Exception e)
        {
            // Whatever it is: thrown on the runtime's thread it would end the process.
            loop.Report($"Delivering {signal} failed", e);
        }
    }

    /// <summary>The serial call for an asynchronous handler.</summary>
    internal async ValueTask CallAsync()
    {
        if (Handler is SignalHandler.OnPool handler)
        {
            try
            {
                await handler.InvokeAsync().ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (handler.Retired.IsCancellationRequested)
            {
            }
            catch (Exception e)
            {
                loop.Report($"The asynchronous handler of {signal} failed", e);
            }
        }
        else if (Handler is { } replacement)
        {
            Dispatch(replacement);
        }
    }

    private void Dispatch(SignalHandler handler)
    {
        if (handler is SignalHandler.OnPool)
        {
            calls.Request(this);
            return;
        }
        if (_coalesces && Interlocked.Exchange(ref _posted, 1) == 1)
            return;
        if (!loop.TryPost(this))
            loop.Dropped(signal);
    }

    protected override void RunOnLoop()
    {
        // First, with a full fence: what is delivered from here on asks for a run of its own.
        Interlocked.Exchange(ref _posted, 0);
        switch (Handler)
        {
            case SignalHandler.OnLoop handler:
                try
                {
                    handler.Callback();
                }
                catch (Exception e)
                {
                    loop.Report($"The handler of {signal} failed", e);
                }
                break;
            case SignalHandler.OnPool:
                calls.Request(this);
                break;
        }
    }

    public override string ToString() => $"handler of {signal}";
}
