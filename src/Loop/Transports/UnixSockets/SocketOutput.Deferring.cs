namespace UnixLoop.Transports.UnixSockets;

// With CoalesceFlushes a flush may leave its bytes in the queue although the socket would take them, where something is sure to
// send them soon, together with what is flushed until then:
//
//   flushed                                                          sent by
//   on the loop, in the connection's own readiness callback          a read that has to wait, the callback's end
//   while the input holds bytes that its reader has left for later,  a read that has to wait, a post to the loop
//   or what was flushed then has not been sent yet
//   else, or more than MostDeferred                                  the flush itself
//
// So one answer that nothing follows is never held back by another thread's turn; and a reader that stays away (its code blocks, or
// streams) costs one turn of the loop, after which its flushes go out at once until it reads again.
// Deferred bytes are never more than the high mark: no flush waits for them.
internal sealed partial class SocketOutput
{
    /// <summary>What is sent at once anyway: beyond it a call costs by its bytes.</summary>
    private const int MostDeferred = 16 * 1024;

    private static readonly Action<SocketOutput> s_sendPosted = static output => output.SendPostedOnLoop();

    /// <summary>The queue waits for one of the senders above, not for EPOLLOUT. Set under _gate; read without it as a hint.</summary>
    private volatile bool _isDeferred;

    /// <summary>Guarded by _gate.</summary>
    private bool _isPosted;

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

    private void SendPostedOnLoop()
    {
        lock (_gate)
        {
            _isPosted = false;
            if (!_isDeferred)
                return;
        }
        _connection.OnReaderStaysAway();
        SendDeferred();
    }

    /// <summary>Takes what was written over into the queue, if that is to be sent later.</summary>
    private bool TryDeferNeedsLock()
    {
        if (!_options.CoalesceFlushes || _written.Length == 0 || !(_queue.IsEmpty || _isDeferred))
            return false;
        if (_queue.Length + _written.Length > Math.Min(MostDeferred, _options.OutputHighWaterMark))
            return false;
        if (!_connection.IsInCallbackOfThisThread && !TryPostNeedsLock())
            return false;
        _queue.TakeOver(ref _written);
        _isDeferred = true;
        return true;
    }

    private bool TryPostNeedsLock()
    {
        if (_isDeferred && _isPosted)
            return true;
        if (!_connection.HasReaderMore)
            return false;
        if (!_isPosted)
            _isPosted = _connection.Loop.TryPost(s_sendPosted, this);
        return _isPosted;
    }

    /// <summary>What the socket does not take waits for EPOLLOUT, as ever.</summary>
    private void SendDeferredNeedsLock()
    {
        if (!_isDeferred)
            return;
        _isDeferred = false;
        SendNeedsLock(ref _queue, int.MaxValue);
        if (!_queue.IsEmpty)
            _connection.SetInterest(ConnectionDirections.Output, true);
    }
}
