using System.Threading.Tasks.Sources;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>A datagram that waits for room. Used again once its result has been taken; all but the result is guarded by the sender's gate.</summary>
internal sealed class PendingSend : IValueTaskSource
{
    private readonly DatagramSender _sender;
    private readonly UnixEventLoop _loop;
    private ManualResetValueTaskSourceCore<bool> _core;

    /// <summary>The user's object, which must not be found forgotten meanwhile.</summary>
    private object? _face;

    internal PendingSend(DatagramSender sender, UnixEventLoop loop, bool continueOnLoop)
    {
        (_sender, _loop) = (sender, loop);
        _core.RunContinuationsAsynchronously = !continueOnLoop;
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

    internal short Version => _core.Version;

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
        if (isOnLoop || _core.RunContinuationsAsynchronously)
            Tell();
        else
            OnTheLoop.Call(_loop, static send => send.Tell(), this);
    }

    private void Tell()
    {
        if (Failure is { } failure)
            _core.SetException(failure);
        else
            _core.SetResult(true);
    }

    void IValueTaskSource.GetResult(short token) => _sender.TakeResult(this, token);

    /// <summary>Afterwards the token is worth nothing: who awaits a second time must not get the result of the next send.</summary>
    internal void TakeResultNeedsLock(short token)
    {
        try
        {
            _core.GetResult(token);
        }
        finally
        {
            _core.Reset();
        }
    }

    /// <exception cref="InvalidOperationException">The token's result has been taken.</exception>
    internal bool HasResult(short token) => _core.GetStatus(token) != ValueTaskSourceStatus.Pending;

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
