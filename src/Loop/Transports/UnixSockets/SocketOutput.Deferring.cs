namespace UnixLoop.Transports.UnixSockets;

// With CoalesceFlushes a flush may leave its bytes in the queue although the socket would take them, where something is sure to
// send them soon, together with what is flushed until then:
//
//   flushed                                                          sent by
//   in the connection's own callback: code that a read's end called, a read that has to wait, the callback's end;
//   on the same thread                                               off the loop also the loop's timer (DeferredOutputs)
//   while the input holds bytes that its reader has left for later,  a read that has to wait, the loop's timer
//   or what was left before has not been sent yet
//   else, or off the loop with no timer armed, or more than          the flush itself
//   MostDeferred
//
// A read that has to wait, and the callback's end, leave the sending to an OutputBurst where the answers are to pipelined requests, on the pool, and
// other connections are busy too.
// On the loop there is no other sender for as long as the callback runs: one that blocks there holds up the timer too.
// A reader that stays away (its code blocks, or streams) costs its flush a millisecond.
// Deferred bytes are never more than the high mark: no flush waits for them.
internal sealed partial class SocketOutput
{
    /// <summary>What is sent at once anyway: beyond it a call costs by its bytes.</summary>
    private const int MostDeferred = 16 * 1024;

    /// <summary>Null without CoalesceFlushes.</summary>
    private readonly DeferredOutputs? _deferred;

    /// <summary>The queue waits for one of the senders above, not for EPOLLOUT. Set under _gate; read without it as a hint.</summary>
    private volatile bool _isDeferred;

    /// <summary>What waits answers one of several requests that came together. As <see cref="_isDeferred"/>.</summary>
    private volatile bool _isOfSeveral;

    /// <summary>Whether this is in <see cref="_deferred"/>. Guarded by _gate.</summary>
    private bool _isListed;

    /// <summary>Whether this is in an <see cref="OutputBurst"/>. Guarded by _gate.</summary>
    private bool _isInBurst;

    /// <summary>The business of <see cref="DeferredOutputs"/>.</summary>
    internal SocketOutput? NextDeferred { get; set; }

    /// <summary>The business of <see cref="OutputBurst"/>.</summary>
    internal SocketOutput? NextInBurst { get; set; }

    /// <summary>Bytes have come for the reader.</summary>
    internal void ExpectFlushesOnLoop() => _deferred?.OpenOnLoop(this);

    /// <summary>The reader's code will flush no more for now; any thread.</summary>
    internal void OnFlushesEnded()
    {
        if (!_isOfSeveral || !_deferred!.HasSeveral || _connection.Loop.IsOnLoopThread)
        {
            SendDeferred();
            return;
        }
        lock (_gate)
        {
            if (!_isDeferred || _isInBurst)
                return;
            _isInBurst = true;
        }
        _deferred.Burst.Add(this);
    }

    /// <summary>It has been taken out of the burst.</summary>
    internal void SendInBurst()
    {
        lock (_gate)
            _isInBurst = false;
        SendDeferred();
    }

    /// <summary>Any thread; nothing if nothing is deferred.</summary>
    internal void SendDeferred()
    {
        if (!_isDeferred)
            return;
        bool isOver;
        lock (_gate)
        {
            bool wasOver = _isOver;
            SendDeferredNeedsLock();
            isOver = _isOver && !wasOver;
        }
        if (isOver)
            OnOver();
        _connection.WriteNoted();
    }

    /// <summary>It has been taken out of the list.</summary>
    /// <returns>Whether it held something.</returns>
    internal bool SendListedOnLoop()
    {
        lock (_gate)
        {
            _isListed = false;
            if (!_isDeferred)
                return false;
        }
        _connection.OnReaderStaysAway();
        SendDeferred();
        return true;
    }

    /// <summary>Takes what was written over into the queue, if that is to be sent later.</summary>
    private bool TryDeferNeedsLock()
    {
        if (_deferred is null || _written.Length == 0 || !(_queue.IsEmpty || _isDeferred))
            return false;
        if (_queue.Length + _written.Length > Math.Min(MostDeferred, _options.OutputHighWaterMark))
            return false;
        if (!IsSentSoonNeedsLock(_deferred))
            return false;
        _queue.TakeOver(ref _written);
        _isDeferred = true;
        if (_connection.HasReaderMore)
            _isOfSeveral = true;
        return true;
    }

    /// <summary>A hint: a write that is left for later is copied, which one that is sent at once need not be.</summary>
    private bool IsWriteForLater(int length) =>
        _deferred is not null && length <= MostDeferred && (_connection.IsInCallbackOfThisThread || _connection.HasReaderMore);

    private bool IsSentSoonNeedsLock(DeferredOutputs deferred)
    {
        bool isInCallback = _connection.IsInCallbackOfThisThread;
        if (isInCallback && _connection.Loop.IsOnLoopThread)
            return true;
        if (!isInCallback && !(_isDeferred && _isListed) && !_connection.HasReaderMore)
            return false;
        if (!_isListed)
            _isListed = deferred.TryAdd(this);
        return _isListed;
    }

    /// <summary>What the socket does not take waits for EPOLLOUT, as ever.</summary>
    private void SendDeferredNeedsLock()
    {
        if (!_isDeferred)
            return;
        _isDeferred = _isOfSeveral = false;
        SendNeedsLock(ref _queue, int.MaxValue);
        if (!_queue.IsEmpty)
            _connection.SetInterest(ConnectionDirections.Output, true);
    }
}
