using System.Threading.Tasks.Sources;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>A datagram that waits for room. Used again once its result has been taken; all but the result is guarded by the sender's gate.</summary>
internal sealed class PendingSend : IValueTaskSource
{
    private readonly DatagramSender _sender;
    private ManualResetValueTaskSourceCore<bool> _core;

    internal PendingSend(DatagramSender sender, bool continueOnLoop)
    {
        _sender = sender;
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

    internal void Begin(ReadOnlyMemory<byte> data, BorrowedDescriptors? descriptors, UnixSocketAddress? destination)
    {
        _core.Reset();
        (Data, Descriptors, Destination, Failure) = (data, descriptors, destination, null);
    }

    /// <summary>Takes it out of its queue; nobody else can end it then.</summary>
    internal void LeaveQueue(Exception? failure)
    {
        Node.List!.Remove(Node);
        Failure = failure;
    }

    internal void Cancel(CancellationToken cancellationToken) => _sender.Cancel(this, cancellationToken);

    /// <summary>Off the lock.</summary>
    internal void Complete()
    {
        Cancellation.Dispose();
        Cancellation = default;
        Descriptors?.Dispose();
        (Data, Descriptors, Destination) = (default, null, null);
        if (Failure is { } failure)
            _core.SetException(failure);
        else
            _core.SetResult(true);
    }

    void IValueTaskSource.GetResult(short token)
    {
        bool isTaken = token == _core.Version && _core.GetStatus(token) != ValueTaskSourceStatus.Pending;
        try
        {
            _core.GetResult(token);
        }
        finally
        {
            if (isTaken)
                _sender.GiveBack(this);
        }
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
