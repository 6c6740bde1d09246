using UnixLoop.Interop;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>A call that waits for a connection. Whoever takes it out of the acceptor's list completes it, once.</summary>
internal sealed class AcceptWaiter : TaskCompletionSource<UnixHandle?>
{
    private readonly Acceptor _acceptor;

    internal AcceptWaiter(Acceptor acceptor, CancellationToken cancellationToken)
        : base(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        _acceptor = acceptor;
        CancellationToken = cancellationToken;
        Node = new LinkedListNode<AcceptWaiter>(this);
    }

    internal CancellationToken CancellationToken { get; }

    internal LinkedListNode<AcceptWaiter> Node { get; }

    /// <summary>The token was cancelled.</summary>
    internal void Withdraw() => _acceptor.Withdraw(this);
}
