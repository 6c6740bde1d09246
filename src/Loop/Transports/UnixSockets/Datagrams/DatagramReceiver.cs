using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>Takes datagrams, one receive at a time: at once where one is there, else on the loop's thread when it comes. Its one wait object is used again and again.</summary>
internal sealed class DatagramReceiver : IValueTaskSource<UnixDatagramReceiveResult>, IThreadPoolWorkItem
{
    private const int MaxInRow = 64;

    private readonly Lock _gate = new();
    private readonly DatagramEngine _owner;
    private readonly UnixEventLoop _loop;
    private readonly int _socket;
    private readonly DatagramReadiness _readiness;
    private readonly int _maxDescriptors;
    private readonly PipeScheduler _scheduler;
    private readonly SenderNames _senders = new();

    // Guarded by _gate.
    private SocketWaiter _waiter;
    private UnixDatagramReceiveResult _result;

    /// <summary>In place of a result.</summary>
    private Exception? _failure;

    /// <summary>For the one who takes it.</summary>
    private volatile bool _hasResult;
    private Exception? _closed;
    private Memory<byte> _buffer;
    private CancellationTokenRegistration _cancellation;

    /// <summary>Received at once on the loop's thread, without a turn between them.</summary>
    private int _inRow;

    /// <summary>The datagram has not come yet.</summary>
    private bool _isWaiting;

    /// <summary>The user's object, which must not be found forgotten while it is waited for.</summary>
    private object? _face;

    /// <summary>The result has not been taken yet.</summary>
    private bool _isInUse;

    internal DatagramReceiver(
        DatagramEngine owner, UnixEventLoop loop, int socket, DatagramReadiness readiness, PipeScheduler scheduler, int maxDescriptors) =>
        (_owner, _loop, _socket, _readiness, _scheduler, _maxDescriptors) = (owner, loop, socket, readiness, scheduler, maxDescriptors);

    internal bool TryReceive(Span<byte> buffer, out UnixDatagramReceiveResult result)
    {
        PosixResult received;
        lock (_gate)
        {
            ThrowIfUnusableNeedsLock();
            received = ReceiveNeedsLock(buffer, out result);
        }
        return received.IsSuccess || (received.Errno == EAGAIN ? false : throw Failure(received));
    }

    internal ValueTask<UnixDatagramReceiveResult> ReceiveAsync(UnixDatagramSocket face, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<UnixDatagramReceiveResult>(cancellationToken);
        short version;
        lock (_gate)
        {
            ThrowIfUnusableNeedsLock();
            UnixDatagramReceiveResult result = default;
            // Code on the loop that always finds something would hold it: the next one comes with the loop's next turn.
            bool hasHeldLoop = _loop.IsOnLoopThread && ++_inRow >= MaxInRow;
            PosixResult received = hasHeldLoop ? PosixResult.Failure(EAGAIN) : ReceiveNeedsLock(buffer.Span, out result);
            if (received.IsSuccess)
                return ValueTask.FromResult(result);
            _inRow = 0;
            if (received.Errno != EAGAIN)
                return ValueTask.FromException<UnixDatagramReceiveResult>(Failure(received));
            _readiness.Want(DatagramReadiness.Readable);
            version = _waiter.Version;
            _buffer = buffer;
            _face = face;
            _isWaiting = _isInUse = true;
        }
        if (cancellationToken.CanBeCanceled)
            ObserveCancellation(cancellationToken);
        return new ValueTask<UnixDatagramReceiveResult>(this, version);
    }

    /// <summary>Off the lock: a token that is cancelled by now calls back at once. Nobody else can wait before this one's result is taken.</summary>
    private void ObserveCancellation(CancellationToken cancellationToken)
    {
        CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            static (self, token) => ((DatagramReceiver)self!).EndWait(new OperationCanceledException(token)), this);
        lock (_gate)
        {
            if (_isWaiting)
                (_cancellation, registration) = (registration, default);
        }
        registration.Dispose();
    }

    internal void OnReadableOnLoop()
    {
        CancellationTokenRegistration cancellation;
        PosixResult received;
        UnixDatagramReceiveResult result;
        lock (_gate)
        {
            if (!_isWaiting)
            {
                _readiness.Unwant(DatagramReadiness.Readable);
                return;
            }
            received = ReceiveNeedsLock(_buffer.Span, out result);
            if (received.Errno == EAGAIN)
            {
                if (!IsShutDown())
                    return;
                received = PosixResult.Failure(EINVAL);
            }
            cancellation = EndWaitNeedsLock();
        }
        cancellation.Dispose();
        Tell(result, received.IsSuccess ? null : Failure(received), fromReadiness: true);
    }

    /// <summary>By a process that shares the socket: recvmsg(2) says EAGAIN for ever, and epoll that there is something.</summary>
    private unsafe bool IsShutDown()
    {
        Tmds.Linux.pollfd look = new() { fd = _socket, events = (short)POLLRDHUP };
        return Libc.Poll(&look, 1, timeoutMilliseconds: 0).Value == 1 && (look.revents & (POLLRDHUP | POLLHUP)) != 0;
    }

    /// <summary>No further receive, and the waiting one ends with <paramref name="reason"/>. Afterwards nobody here uses the socket.</summary>
    internal void Close(Exception reason)
    {
        lock (_gate)
            _closed ??= reason;
        EndWait(reason);
    }

    private void EndWait(Exception reason)
    {
        CancellationTokenRegistration cancellation;
        lock (_gate)
        {
            if (!_isWaiting)
                return;
            cancellation = EndWaitNeedsLock();
        }
        cancellation.Dispose();
        Tell(default, reason, fromReadiness: false);
    }

    private void Tell(UnixDatagramReceiveResult result, Exception? failure, bool fromReadiness)
    {
        bool isDue;
        lock (_gate)
        {
            (_result, _failure) = (result, failure);
            _hasResult = true;
            isDue = _waiter.Signal();
        }
        if (isDue)
            _waiter.Dispatch(this, _loop, _scheduler, fromReadiness);
    }

    private CancellationTokenRegistration EndWaitNeedsLock()
    {
        _isWaiting = false;
        _buffer = default;
        _face = null;
        CancellationTokenRegistration cancellation = _cancellation;
        _cancellation = default;
        return cancellation;
    }

    private PosixResult ReceiveNeedsLock(Span<byte> buffer, out UnixDatagramReceiveResult result)
    {
        Span<byte> address = stackalloc byte[NativeAddress.MaxLength];
        Span<int> descriptors = stackalloc int[_maxDescriptors];
        PosixResult received = Libc.ReceiveMessage(_socket, buffer, address, descriptors, out Libc.MessageParts parts);
        result = received.IsError ? default : new UnixDatagramReceiveResult(
            received.IntValue, parts.IsTruncated, _senders.Find(address[..Math.Min(parts.AddressLength, address.Length)]),
            ReceivedDescriptors.Own(descriptors[..parts.DescriptorCount]), _maxDescriptors > 0 && parts.HasLostDescriptors);
        return received;
    }

    private void ThrowIfUnusableNeedsLock()
    {
        if (_closed is not null)
            throw UnixDatagramSocket.Closed();
        if (_isInUse)
            throw new InvalidOperationException($"Another receive on {_owner} has not been awaited yet; there may be one at a time.");
    }

    private IOException Failure(PosixResult received) => PosixError.ToException(
        received, received.Errno == EINVAL ? $"receive from {_owner}, which another process that shares it has shut down" : $"receive from {_owner}");

    UnixDatagramReceiveResult IValueTaskSource<UnixDatagramReceiveResult>.GetResult(short token)
    {
        lock (_gate)
        {
            _waiter.Check(token);
            if (!_hasResult)
                throw new InvalidOperationException("The receive has no result yet.");
            (UnixDatagramReceiveResult result, Exception? failure) = (_result, _failure);
            (_result, _failure) = (default, null);
            // Now: a second GetResult with this token must not get it, nor the next one's.
            _waiter.Begin();
            _hasResult = _isInUse = false;
            return failure is null ? result : throw failure;
        }
    }

    ValueTaskSourceStatus IValueTaskSource<UnixDatagramReceiveResult>.GetStatus(short token)
    {
        _waiter.Check(token);
        if (!_hasResult)
            return ValueTaskSourceStatus.Pending;
        return _failure switch
        {
            null => ValueTaskSourceStatus.Succeeded,
            OperationCanceledException => ValueTaskSourceStatus.Canceled,
            _ => ValueTaskSourceStatus.Faulted,
        };
    }

    void IValueTaskSource<UnixDatagramReceiveResult>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        if (_waiter.OnCompleted(continuation, state, token, flags))
            _waiter.Dispatch(this, _loop, _scheduler, fromReadiness: false);
    }

    void IThreadPoolWorkItem.Execute() => _waiter.Run();
}
