using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Transports.UnixSockets;

// A connection's writing end, as its user sees it; SocketOutput.Sending.cs does the sending.
//  - What is written and not yet flushed belongs to the writing thread alone, and no lock is taken for it.
//  - A flush sends directly, from its own thread, when nothing is queued. What the socket does not take is queued, and the
//    loop sends it when EPOLLOUT comes. So the order of bytes is that of the flushes.
//  - A flush is pending while more than the high mark is queued, until no more than the low mark is.
//  - The lock is held for the length of a send(2), which never blocks.
internal sealed partial class SocketOutput : PipeWriter, IDirectWriter, IValueTaskSource<FlushResult>, IThreadPoolWorkItem
{
    private readonly Lock _gate = new();
    private readonly UnixStreamConnection _connection;
    private readonly UnixStreamConnectionOptions _options;

    /// <summary>The writing thread's.</summary>
    private SegmentQueue _written;

    // Guarded by _gate.
    private volatile bool _isCompleted;
    private bool _isCancelRequested;
    private volatile Wait _wait;
    private CancellationToken _waitToken;
    private CancellationTokenRegistration _waitRegistration;
    private SocketWaiter _waiter;

    internal SocketOutput(UnixStreamConnection connection, UnixStreamConnectionOptions options)
    {
        _connection = connection;
        _options = options;
        _deferred = options.CoalesceFlushes ? DeferredOutputs.Of(connection.Loop) : null;
    }

    private enum Wait
    {
        None,
        Pending,
        Signalled,
        Canceled,
    }

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _written.Length;

    public override Memory<byte> GetMemory(int sizeHint = 0) => Reserve(sizeHint).RoomMemory;

    public override Span<byte> GetSpan(int sizeHint = 0) => Reserve(sizeHint).Room;

    private BufferSegment Reserve(int sizeHint)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        CheckMayWrite();
        return _written.Reserve(Math.Max(sizeHint, 1));
    }

    public override void Advance(int bytes)
    {
        if (bytes == 0)
            return;
        int room = _written.Tail?.RoomLength ?? 0;
        if (bytes < 0 || bytes > room)
            throw new ArgumentOutOfRangeException(nameof(bytes), bytes, $"Not what GetMemory or GetSpan gave: that has {room} bytes.");
        _written.Advance(bytes);
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
        cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<FlushResult>(cancellationToken) : Flush(cancellationToken);

    /// <summary>A token that is cancelled by now ends a wait, and keeps nothing from being sent.</summary>
    private ValueTask<FlushResult> Flush(CancellationToken cancellationToken)
    {
        bool isOver;
        ValueTask<FlushResult> result;
        lock (_gate)
        {
            CheckMayFlushNeedsLock();
            bool wasOver = _isOver;
            SendOrQueueNeedsLock(mayDefer: true);
            isOver = _isOver && !wasOver;
            result = ResultNeedsLock(cancellationToken);
        }
        if (isOver)
            OnOver();
        _connection.WriteNoted();
        return result;
    }

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        CheckMayWrite();
        ReadOnlySpan<byte> bytes = source.Span;
        if (_written.IsEmpty && !IsWriteForLater(bytes.Length))
        {
            bool isSent;
            FlushResult result = default;
            lock (_gate)
            {
                isSent = TrySendDirectlyNeedsLock(ref bytes);
                if (isSent)
                    result = TakeNeedsLock();
            }
            if (isSent)
            {
                _connection.WriteNoted();
                return new(result);
            }
        }
        _written.Write(bytes);
        return Flush(cancellationToken);
    }

    public void Take(ReadOnlySpan<byte> bytes)
    {
        CheckMayWrite();
        if (_written.IsEmpty)
        {
            lock (_gate)
                _ = TrySendDirectlyNeedsLock(ref bytes);
        }
        _written.Write(bytes);
    }

    /// <summary>Writes <paramref name="source"/>, of at least one byte, with descriptors that go with its first; then as <see cref="FlushAsync"/>.</summary>
    internal ValueTask<FlushResult> WriteAsync(ReadOnlySpan<byte> source, IAttachedDescriptors descriptors, CancellationToken cancellationToken)
    {
        try
        {
            lock (_gate)
                CheckMayFlushNeedsLock();
        }
        catch
        {
            descriptors.Release();
            throw;
        }
        BufferSegment segment = BufferSegment.Rent(source.Length);
        segment.Attached = descriptors;
        if (cancellationToken.IsCancellationRequested)
        {
            segment.Release();
            return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        }
        source.CopyTo(segment.Room);
        segment.Advance(source.Length);
        _written.Append(segment);
        return Flush(cancellationToken);
    }

    public override void CancelPendingFlush()
    {
        bool dispatch;
        lock (_gate)
        {
            _isCancelRequested = true;
            dispatch = TrySignalNeedsLock(isDue: true);
        }
        Dispatch(dispatch, fromReadiness: false);
    }

    FlushResult IValueTaskSource<FlushResult>.GetResult(short token)
    {
        lock (_gate)
        {
            _waiter.Check(token);
            Wait wait = _wait;
            CancellationToken canceled = _waitToken;
            if (wait is Wait.None or Wait.Pending)
                throw new InvalidOperationException("The flush has no result yet.");
            _wait = Wait.None;
            _connection.Anchor.Flushing = null;
            // Not Dispose, which waits for a callback that may be waiting for the lock.
            _waitRegistration.Unregister();
            _waitRegistration = default;
            _waitToken = default;
            if (wait == Wait.Canceled)
                throw new OperationCanceledException(canceled);
            return _failure is { } failure ? throw failure : TakeNeedsLock();
        }
    }

    ValueTaskSourceStatus IValueTaskSource<FlushResult>.GetStatus(short token)
    {
        if (_wait == Wait.Pending) // a moment's answer, as with the lock
        {
            _waiter.Check(token);
            return ValueTaskSourceStatus.Pending;
        }
        lock (_gate)
        {
            _waiter.Check(token);
            return _wait switch
            {
                Wait.Pending => ValueTaskSourceStatus.Pending,
                Wait.Canceled => ValueTaskSourceStatus.Canceled,
                _ => _failure is not null ? ValueTaskSourceStatus.Faulted : ValueTaskSourceStatus.Succeeded,
            };
        }
    }

    void IValueTaskSource<FlushResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        Dispatch(_waiter.OnCompleted(continuation, state, token, flags), fromReadiness: false);

    void IThreadPoolWorkItem.Execute() => _waiter.Run();

    public override string ToString() => $"PipeWriter of {_connection}";

    /// <summary>A callback that comes late finds another flush: that has no such token, or one that is cancelled too.</summary>
    private void OnCanceled(CancellationToken token)
    {
        bool dispatch;
        lock (_gate)
        {
            if (_wait != Wait.Pending || _waitToken != token)
                return;
            _wait = Wait.Canceled;
            dispatch = _waiter.Signal();
        }
        Dispatch(dispatch, fromReadiness: false);
    }

    private ValueTask<FlushResult> ResultNeedsLock(CancellationToken cancellationToken)
    {
        if ((_failure ?? _closed) is { } failure)
            return ValueTask.FromException<FlushResult>(failure);
        if (_isCancelRequested || _queue.Length <= _options.OutputHighWaterMark)
            return new(TakeNeedsLock());
        _waiter.Begin();
        _wait = Wait.Pending;
        _connection.Anchor.Flushing = _connection;
        if (cancellationToken.CanBeCanceled)
        {
            _waitToken = cancellationToken;
            _waitRegistration = cancellationToken.UnsafeRegister(static (self, token) => ((SocketOutput)self!).OnCanceled(token), this);
        }
        return new ValueTask<FlushResult>(this, _waiter.Version);
    }

    private FlushResult TakeNeedsLock()
    {
        bool isCanceled = _isCancelRequested;
        _isCancelRequested = false;
        return new FlushResult(isCanceled, isCompleted: _isOver);
    }

    private bool TrySignalNeedsLock(bool isDue)
    {
        if (_wait != Wait.Pending || !isDue)
            return false;
        _wait = Wait.Signalled;
        return _waiter.Signal();
    }

    private void Dispatch(bool isDue, bool fromReadiness)
    {
        if (isDue)
            _waiter.Dispatch(this, _connection.Loop, _options.Scheduler, fromReadiness);
    }

    private void CheckMayWrite()
    {
        if (_isCompleted)
            throw new InvalidOperationException("Writing is over: the writer has been completed.");
        CheckNoOperation();
    }

    private void CheckMayFlushNeedsLock()
    {
        CheckMayWrite();
        if (_wait != Wait.None)
            throw new InvalidOperationException("A flush is pending: there can be one at a time.");
    }
}
