using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>A datagram that waits for room. Used again once its result has been taken; all but the result is guarded by the sender's gate.</summary>
internal sealed class PendingSend : IValueTaskSource, IThreadPoolWorkItem
{
    private readonly DatagramSender _sender;
    private readonly UnixEventLoop _loop;
    private readonly PipeScheduler _scheduler;
    private SocketWaiter _waiter;

    /// <summary>Set under the gate, for the one who takes it.</summary>
    private volatile bool _hasResult;

    /// <summary>The user's object, which must not be found forgotten meanwhile.</summary>
    private object? _face;

    internal PendingSend(DatagramSender sender, UnixEventLoop loop, PipeScheduler scheduler)
    {
        (_sender, _loop, _scheduler) = (sender, loop, scheduler);
        Node = new LinkedListNode<PendingSend>(this);
    }

    /// <summary>Its place in the queue that it waits in.</summary>
    internal LinkedListNode<PendingSend> Node { get; }

    internal bool IsWaiting => Node.List is not null;

    /// <summary>The one that ended with it, after it.</summary>
    internal PendingSend? NextEnded { get; set; }

    internal ReadOnlyMemory<byte> Data { get; private set; }

    internal BorrowedDescriptors? Descriptors { get; private set; }

    internal UnixSocketAddress? Destination { get; private set; }

    /// <summary>How it ended; null for success.</summary>
    private Exception? Failure { get; set; }

    internal CancellationTokenRegistration Cancellation { get; set; }

    internal short Version => _waiter.Version;

    internal void Begin(UnixDatagramSocket face, ReadOnlyMemory<byte> data, BorrowedDescriptors? descriptors, UnixSocketAddress? destination) =>
        (_face, Data, Descriptors, Destination, Failure) = (face, data, descriptors, destination, null);

    /// <summary>It waited for the connected peer, which the socket is connected to no more.</summary>
    internal void Redirect(UnixSocketAddress destination) => Destination = destination;

    /// <summary>Takes it out of its queue; nobody else can end it then.</summary>
    internal void LeaveQueue(Exception? failure)
    {
        Node.List!.Remove(Node);
        Failure = failure;
    }

    internal void Cancel(CancellationToken cancellationToken) => _sender.Cancel(this, cancellationToken);

    /// <summary>Off the lock.</summary>
    /// <param name="isOnLoop">Whether an awaiter that is to go on on the loop may do so at once.</param>
    internal void Complete(bool isOnLoop)
    {
        Cancellation.Dispose();
        Cancellation = default;
        Descriptors?.Dispose();
        (_face, Data, Descriptors, Destination) = (null, default, null, null);
        // Last: whoever takes the result may begin the next send with this.
        if (_sender.Publish(this))
            _waiter.Dispatch(this, _loop, _scheduler, fromReadiness: isOnLoop);
    }

    /// <returns>Whether somebody awaits it.</returns>
    internal bool PublishNeedsLock()
    {
        _hasResult = true;
        return _waiter.Signal();
    }

    void IValueTaskSource.GetResult(short token) => _sender.TakeResult(this, token);

    /// <summary>Afterwards the token is worth nothing: who awaits a second time must not get the result of the next send.</summary>
    /// <returns>What it failed with.</returns>
    /// <exception cref="InvalidOperationException">The token's result has been taken, or is not there yet.</exception>
    internal Exception? TakeResultNeedsLock(short token)
    {
        _waiter.Check(token);
        if (!_hasResult)
            throw new InvalidOperationException("The send has no result yet.");
        _hasResult = false;
        _waiter.Begin();
        return Failure;
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token)
    {
        _waiter.Check(token);
        if (!_hasResult)
            return ValueTaskSourceStatus.Pending;
        return Failure switch
        {
            null => ValueTaskSourceStatus.Succeeded,
            OperationCanceledException => ValueTaskSourceStatus.Canceled,
            _ => ValueTaskSourceStatus.Faulted,
        };
    }

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        if (_waiter.OnCompleted(continuation, state, token, flags))
            _waiter.Dispatch(this, _loop, _scheduler, fromReadiness: false);
    }

    void IThreadPoolWorkItem.Execute() => _waiter.Run();
}
