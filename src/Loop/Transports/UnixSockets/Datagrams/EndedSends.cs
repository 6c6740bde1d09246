namespace UnixLoop.Transports.UnixSockets;

/// <summary>Sends that have left their queue under the lock, in order, to be completed off it.</summary>
internal struct EndedSends
{
    private PendingSend? _first;
    private PendingSend? _last;

    internal void Add(PendingSend send)
    {
        if (_last is null)
            _first = send;
        else
            _last.NextEnded = send;
        _last = send;
    }

    /// <param name="loop">Told of awaiting code that runs within this and throws: those behind it are completed all the same.</param>
    /// <param name="isOnLoop">The selector called, and no code of the user is on the stack.</param>
    internal void Complete(UnixEventLoop loop, bool isOnLoop)
    {
        while (_first is { } send)
        {
            // Before the completion, after which it may be in use again.
            _first = send.NextEnded;
            send.NextEnded = null;
            try
            {
                send.Complete(isOnLoop);
            }
            catch (Exception e)
            {
                loop.ReportUnhandled(new UnhandledExceptionContext("Code that awaited the sending of a datagram failed", e, send));
            }
        }
        _last = null;
    }
}
