using System.Buffers;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using UnixLoop.Transports.SendFile;

namespace UnixLoop.Transports.UnixSockets;

// A connection's reading end, as its user sees it; SocketInput.Receiving.cs is the loop's side.
// One lock guards all of it. The loop holds it while it reads, which never blocks; the user's calls hold it for moments.
// Bytes that the user has not examined count towards the water marks: one who wants more than fits below the high mark examines
// all, and gets more. Memory is rented when there are bytes to put into it and given back once they are consumed.
internal sealed partial class SocketInput : PipeReader, IValueTaskSource<ReadResult>, IThreadPoolWorkItem
{
    private readonly Lock _gate = new();
    private readonly UnixStreamConnection _connection;
    private readonly UnixStreamConnectionOptions _options;

    // Guarded by _gate.
    private BufferSegment? _head;
    private BufferSegment? _tail;
    private int _headConsumed;
    private long _buffered;
    private long _unexamined;
    private bool _isReading;

    /// <summary>Whether the reader has left bytes for later, and not come for them yet.</summary>
    private volatile bool _hasMore;
    private bool _isCompleted;
    private bool _isCancelRequested;
    private volatile Wait _wait; // read without it by GetStatus
    private CancellationToken _waitToken;
    private CancellationTokenRegistration _waitRegistration;
    private SocketWaiter _waiter;

    internal SocketInput(UnixStreamConnection connection, UnixStreamConnectionOptions options)
    {
        _connection = connection;
        _options = options;
    }

    private enum Wait
    {
        None,
        Pending,
        Signalled,
        Canceled,
    }

    /// <summary>Bytes read and not consumed; a moment's figure.</summary>
    internal long Buffered => Volatile.Read(ref _buffered);

    /// <summary>See <see cref="_hasMore"/>; a moment's answer, for any thread.</summary>
    internal bool HasMore => _hasMore;

    /// <summary>The reader has not come for what it left: it may be long.</summary>
    internal void ForgetMore() => _hasMore = false;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<ReadResult>(cancellationToken);
        ValueTask<ReadResult> wait;
        lock (_gate)
        {
            CheckMayReadNeedsLock();
            if (IsReadableNeedsLock)
                return FailureToTellNeedsLock is { } failure ? ValueTask.FromException<ReadResult>(failure) : new(TakeNeedsLock());
            _waiter.Begin();
            _wait = Wait.Pending;
            _connection.Anchor.Reading = _connection;
            if (cancellationToken.CanBeCanceled)
            {
                _waitToken = cancellationToken;
                _waitRegistration = cancellationToken.UnsafeRegister(static (self, token) => ((SocketInput)self!).OnCanceled(token), this);
            }
            wait = new ValueTask<ReadResult>(this, _waiter.Version);
        }
        _connection.OnReadWaits();
        return wait;
    }

    public override bool TryRead(out ReadResult result)
    {
        lock (_gate)
        {
            CheckMayReadNeedsLock();
            if (!IsReadableNeedsLock)
            {
                result = default;
                return false;
            }
            if (FailureToTellNeedsLock is { } failure)
                throw failure;
            result = TakeNeedsLock();
            return true;
        }
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        lock (_gate)
        {
            if (!_isReading)
                throw new InvalidOperationException("There is no read to advance: each result is advanced once.");
            long consumedBytes = OffsetNeedsLock(consumed, nameof(consumed));
            long examinedBytes = OffsetNeedsLock(examined, nameof(examined));
            if (examinedBytes < consumedBytes)
                throw new ArgumentOutOfRangeException(nameof(examined), "The examined position lies before the consumed one.");
            _isReading = false;
            ConsumeNeedsLock(consumedBytes);
            _unexamined = _buffered - (examinedBytes - consumedBytes);
            _hasMore = _unexamined > 0;
            ResumeIfDrainedNeedsLock();
        }
    }

    public override void CancelPendingRead()
    {
        if (TryCancelBorrowersRead())
            return;
        bool dispatch;
        lock (_gate)
        {
            _isCancelRequested = true;
            dispatch = TrySignalNeedsLock();
        }
        Dispatch(dispatch, fromReadiness: false);
    }

    /// <summary>The user reads no more: the peer's writes fail with EPIPE from here on.</summary>
    public override void Complete(Exception? exception = null)
    {
        bool dispatch;
        ISpliceBorrower? borrower;
        lock (_gate)
        {
            if (_isCompleted)
                return;
            borrower = _borrower;
            _isCompleted = true;
            _isReading = false;
            ReleaseAllNeedsLock();
            StopReceivingNeedsLock();
            dispatch = TrySignalNeedsLock();
        }
        borrower?.OnSourceGone(null);
        Dispatch(dispatch, fromReadiness: false);
        _connection.OnDirectionOver(ConnectionDirections.Input);
    }

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token)
    {
        lock (_gate)
        {
            _waiter.Check(token);
            Wait wait = _wait;
            CancellationToken canceled = _waitToken;
            if (wait is Wait.None or Wait.Pending)
                throw new InvalidOperationException("The read has no result yet.");
            _wait = Wait.None;
            _connection.Anchor.Reading = null;
            // Not Dispose, which waits for a callback that may be waiting for the lock.
            _waitRegistration.Unregister();
            _waitRegistration = default;
            _waitToken = default;
            if (wait == Wait.Canceled)
                throw new OperationCanceledException(canceled);
            if (_isCompleted)
                throw ReadingCompleted();
            return FailureToTellNeedsLock is { } failure ? throw failure : TakeNeedsLock();
        }
    }

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token)
    {
        // What an await asks first finds the read pending as a rule; a result that comes meanwhile is met by OnCompleted.
        _waiter.Check(token);
        if (_wait == Wait.Pending)
            return ValueTaskSourceStatus.Pending;
        lock (_gate)
        {
            return _wait switch
            {
                Wait.Pending => ValueTaskSourceStatus.Pending,
                Wait.Canceled => ValueTaskSourceStatus.Canceled,
                _ => _isCompleted || FailureToTellNeedsLock is not null ? ValueTaskSourceStatus.Faulted : ValueTaskSourceStatus.Succeeded,
            };
        }
    }

    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        Dispatch(_waiter.OnCompleted(continuation, state, token, flags), fromReadiness: false);

    void IThreadPoolWorkItem.Execute() => _connection.RunCallback(ref _waiter);

    public override string ToString() => $"PipeReader of {_connection}";

    /// <summary>A callback that comes late finds another read: that has no such token, or one that is cancelled too.</summary>
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

    private bool IsReadableNeedsLock => _unexamined > 0 || _isOver || _isCancelRequested;

    /// <summary>What was read before the failure comes first.</summary>
    private Exception? FailureToTellNeedsLock => _unexamined == 0 && !_isCancelRequested ? _failure : null;

    private void CheckMayReadNeedsLock()
    {
        if (_isCompleted)
            throw ReadingCompleted();
        if (_isReading)
            throw new InvalidOperationException("The last result has not been advanced: AdvanceTo comes before the next read.");
        if (_wait != Wait.None)
            throw new InvalidOperationException("A read is pending: there can be one at a time.");
    }

    private static InvalidOperationException ReadingCompleted() => new("Reading is over: the reader has been completed.");

    private ReadResult TakeNeedsLock()
    {
        _isReading = true;
        _hasMore = false;
        bool isCanceled = _isCancelRequested;
        _isCancelRequested = false;
        ReadOnlySequence<byte> buffer = _head is null ? default : new(_head, _headConsumed, _tail!, _tail!.Length);
        return new ReadResult(buffer, isCanceled, isCompleted: _isOver && _failure is null);
    }

    /// <summary>Whether the caller dispatches, off the lock.</summary>
    private bool TrySignalNeedsLock()
    {
        if (_wait != Wait.Pending || !(IsReadableNeedsLock || _isCompleted))
            return false;
        _wait = Wait.Signalled;
        return _waiter.Signal();
    }

    private void Dispatch(bool isDue, bool fromReadiness)
    {
        if (isDue)
            _waiter.Dispatch(this, _connection.Loop, _options.Scheduler, fromReadiness);
    }

    /// <summary>How far a position of the last result lies behind what has been consumed.</summary>
    private long OffsetNeedsLock(SequencePosition position, string name)
    {
        if (_head is null || position.GetObject() is null)
            return 0; // of an empty result; bytes may have come since
        long offset = position.GetObject() is BufferSegment segment
            ? segment.RunningIndex + position.GetInteger() - (_head.RunningIndex + _headConsumed)
            : -1;
        if (offset < 0 || offset > _buffered)
            throw new ArgumentOutOfRangeException(name, "The position is not one of the last result's buffer.");
        return offset;
    }

    private void ConsumeNeedsLock(long bytes)
    {
        _buffered -= bytes;
        if (_buffered == 0)
        {
            ReleaseAllNeedsLock();
            return;
        }
        while (bytes > 0)
        {
            int left = _head!.Length - _headConsumed;
            if (bytes < left)
            {
                _headConsumed += (int)bytes;
                return;
            }
            bytes -= left;
            BufferSegment spent = _head;
            _head = spent.Detach();
            _headConsumed = 0;
            spent.Release();
        }
    }

    private void ReleaseAllNeedsLock()
    {
        while (_head is { } segment)
        {
            _head = segment.Detach();
            segment.Release();
        }
        _tail = null;
        _headConsumed = 0;
        _buffered = 0;
        _unexamined = 0;
    }
}
