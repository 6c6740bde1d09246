using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;
using UnixLoop.Transports.SendFile;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

internal sealed partial class SocketOutput
{
    // Guarded by _gate.
    private SegmentQueue _queue;

    /// <summary>Nothing can be sent any more: shut down, failed, the peer has gone, or the connection has ended.</summary>
    private bool _isOver;
    private Exception? _failure;

    /// <summary>Set once the connection is being disposed: what is flushed from then on is refused.</summary>
    private Exception? _closed;

    /// <summary>For <see cref="CompleteAsync"/>, which fails if bytes were lost.</summary>
    private TaskCompletionSource? _drained;

    /// <summary>For <see cref="CloseAsync"/>, which does not.</summary>
    private TaskCompletionSource? _emptied;
    private int _lostWrites;
    private long _bytesSent;
    private long _sends;
    private long _lastSent;

    internal long BytesSent => Volatile.Read(ref _bytesSent);

    internal long Sends => Volatile.Read(ref _sends);

    /// <summary>A timestamp of the loop's clock; 0 for never.</summary>
    internal long LastSent => Volatile.Read(ref _lastSent);

    /// <summary>Bytes flushed and not sent; a moment's figure. Without the lock: a logger may format the connection under a lock of its own, and be called under ours.</summary>
    internal long Queued => _queue.Length;

    /// <summary>Sends what was flushed, then shuts this direction down, so that the peer reads its end. With an exception the connection is aborted: the peer must not take a part for the whole.</summary>
    public override void Complete(Exception? exception = null)
    {
        if (exception is not null)
        {
            _isCompleted = true;
            _connection.Abort(exception);
            return;
        }
        bool isOver;
        lock (_gate)
        {
            if (_isCompleted)
                return;
            CheckNoOperation();
            bool wasOver = _isOver;
            SendOrQueueNeedsLock();
            _isCompleted = true;
            ShutDownIfDrainedNeedsLock();
            isOver = _isOver && !wasOver;
        }
        if (isOver)
            OnOver();
        _connection.WriteNoted();
    }

    /// <summary>As <see cref="Complete"/>; ends when everything has been sent, or fails with what kept it from that.</summary>
    public override ValueTask CompleteAsync(Exception? exception = null)
    {
        Complete(exception);
        if (exception is not null)
            return default;
        lock (_gate)
        {
            if (_failure is { } failure)
                return ValueTask.FromException(failure);
            if (_isOver)
                return default;
            _drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return new ValueTask(_drained.Task);
        }
    }

    /// <param name="isPeerGone">The peer has closed its socket: nobody will read what is sent.</param>
    internal void OnWritableOnLoop(bool isPeerGone)
    {
        bool isOver;
        bool dispatch;
        IOutputOperation? operation;
        lock (_gate)
        {
            if (_isOver)
                return;
            operation = _hasBegun ? _operation : null;
            SendDeferredNeedsLock();
            if (!_queue.IsEmpty)
                SendNeedsLock(ref _queue, PipeDefaults.BytesPerTurn);
            if (isPeerGone && !_isOver)
                OverNeedsLock(_queue.IsEmpty && _operation is null ? null : _connection.SendFailed(PosixResult.Failure(EPIPE)));
            BeginIfDrainedNeedsLock();
            ShutDownIfDrainedNeedsLock();
            if (_queue.IsEmpty && operation is null && !_isOver)
                _connection.SetInterest(ConnectionDirections.Output, false);
            isOver = _isOver;
            dispatch = TrySignalNeedsLock(_isOver || _queue.Length <= _options.OutputLowWaterMark);
        }
        if (isOver)
            OnOver();
        else
            operation?.OnWritable();
        Dispatch(dispatch, fromReadiness: true);
        _connection.WriteNoted();
    }

    /// <summary>Nothing more is accepted; ends when what was has been sent, or never will be.</summary>
    /// <param name="disposed">What later flushes fail with.</param>
    internal Task CloseAsync(Exception disposed)
    {
        bool isOver;
        lock (_gate)
        {
            _closed = disposed;
            if (_isOver)
                return Task.CompletedTask;
            SendDeferredNeedsLock();
            StopOperationNeedsLock(disposed);
            ShutDownIfDrainedNeedsLock();
            isOver = _isOver;
            if (!isOver)
                _emptied ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        if (!isOver)
            return _emptied!.Task;
        OnOver();
        return Task.CompletedTask;
    }

    /// <summary>The connection has ended: what is queued is dropped.</summary>
    /// <param name="failure">What a pending flush and later ones see.</param>
    /// <returns>Whether <see cref="Wake"/> is due.</returns>
    internal bool End(Exception? failure)
    {
        lock (_gate)
        {
            // Who has flushed it takes it for sent.
            SendDeferredNeedsLock();
            if (!_isOver)
                OverNeedsLock(failure);
            return TrySignalNeedsLock(isDue: true);
        }
    }

    internal void Wake(bool isDue) => Dispatch(isDue, fromReadiness: false);

    private void OnOver() => _connection.OnDirectionOver(ConnectionDirections.Output);

    /// <summary>Sends from the caller's memory what needs no queue; whether that was all.</summary>
    /// <param name="bytes">What is left afterwards.</param>
    private bool TrySendDirectlyNeedsLock(ref ReadOnlySpan<byte> bytes)
    {
        if (_isOver || _closed is not null || _isCompleted || _wait != Wait.None || !_queue.IsEmpty || bytes.IsEmpty)
            return false;
        PosixResult sent = Libc.Send(_connection.Descriptor, bytes);
        if (sent.IsError)
            return false; // FlushAsync, which follows, meets it again
        CountNeedsLock(sent.IntValue);
        bytes = bytes[sent.IntValue..];
        return bytes.IsEmpty;
    }

    private void SendOrQueueNeedsLock(bool mayDefer = false)
    {
        if (_isOver || _closed is not null)
        {
            if (_written.Length > 0)
                LoseNeedsLock();
            _written.Clear();
            return;
        }
        if (mayDefer && TryDeferNeedsLock())
            return;
        if (_isDeferred)
        {
            _queue.TakeOver(ref _written);
            SendDeferredNeedsLock();
            return;
        }
        if (_queue.IsEmpty && _written.Length > 0)
            SendNeedsLock(ref _written, int.MaxValue);
        if (_isOver)
        {
            _written.Clear();
            return;
        }
        if (_written.Length == 0)
        {
            _written.Clear(); // memory that was asked for and not used
            return;
        }
        _queue.TakeOver(ref _written);
        _connection.SetInterest(ConnectionDirections.Output, true);
    }

    /// <summary>asyncio's LOG_THRESHOLD_FOR_CONNLOST_WRITES; an error counts as the first.</summary>
    private void LoseNeedsLock()
    {
        const int warnFrom = 5;
        if (_lostWrites == 0 && _failure is not null)
            _lostWrites = 1;
        if (_lostWrites++ >= warnFrom)
            _connection.OnWriteLost(_lostWrites);
        _failure ??= _closed ?? _connection.SendFailed(PosixResult.Failure(EPIPE));
    }

    private void SendNeedsLock(ref SegmentQueue queue, int limit)
    {
        for (int total = 0; queue.Length > 0 && total < limit;)
        {
            PosixResult sent = queue.Send(_connection.Descriptor);
            if (sent.IsError)
            {
                if (sent.Errno != EAGAIN)
                    FailNeedsLock(sent);
                return;
            }
            queue.Consume(sent.IntValue);
            total += sent.IntValue;
            CountNeedsLock(sent.IntValue);
        }
    }

    /// <remarks>
    /// The peer of EPIPE and ECONNRESET wants nothing more; what it has sent can be read to its end. Any other peer waits for what was lost, and the flush that
    /// it was may have returned long ago: the connection ends, so that both are told (asyncio: _fatal_error).
    /// </remarks>
    private void FailNeedsLock(PosixResult sent)
    {
        IOException failure = _connection.SendFailed(sent);
        OverNeedsLock(failure);
        if (sent.Errno != EPIPE && sent.Errno != ECONNRESET)
            _connection.FailLater(failure);
    }

    private void CountNeedsLock(long bytes)
    {
        _bytesSent += bytes;
        _sends++;
        _lastSent = _connection.Now;
        _connection.OnSent(bytes);
    }

    private void ShutDownIfDrainedNeedsLock()
    {
        if ((!_isCompleted && _closed is null) || _isOver || !_queue.IsEmpty || _operation is not null)
            return;
        // ENOTCONN for a peer that has gone: it will not miss its end.
        _ = Libc.Shutdown(_connection.Descriptor, SHUT_WR);
        OverNeedsLock(null);
    }

    private void OverNeedsLock(Exception? failure)
    {
        _isOver = true;
        _failure = failure;
        if (_operation is not null)
            StopOperationNeedsLock(GoneError);
        _queue.Clear();
        _isDeferred = _isOfSeveral = false;
        if (_drained is not null && failure is not null)
            _drained.TrySetException(failure);
        else
            _drained?.TrySetResult();
        _emptied?.TrySetResult();
        _connection.SetInterest(ConnectionDirections.Output, false);
    }
}
