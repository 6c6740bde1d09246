using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using UnixLoop.Selector;

namespace UnixLoop.Transports.UnixSockets;

// The selector and the listener would keep every connection alive, also one that everybody has forgotten. So what they hold is
// this, which refers to the connection strongly only while somebody waits for it: a pending read or flush, bytes that are still to be sent.
// A connection that is dropped without any of them is collected: its finalizer, which does no I/O, hands its descriptor to
// Release, on the thread pool.
/// <summary>Stands for a connection in the selector and in its listener.</summary>
internal sealed class ConnectionAnchor(
    UnixStreamConnection connection, SafeHandle socket, IConnectionOwner? owner, SocketMetrics metrics, ILogger logger) : IReadyHandler
{
    private readonly WeakReference<UnixStreamConnection> _connection = new(connection);

    /// <summary>Set while a read is pending; guarded by the input's lock.</summary>
    internal UnixStreamConnection? Reading;

    /// <summary>Set while a flush is pending; guarded by the output's lock.</summary>
    internal UnixStreamConnection? Flushing;

    /// <summary>Set while the output waits for EPOLLOUT; guarded by the connection's lock for its interest.</summary>
    internal UnixStreamConnection? Sending;

    internal SelectorRegistration? Registration { get; set; }

    /// <summary>Null once it has been collected.</summary>
    internal UnixStreamConnection? Connection =>
        Reading ?? Flushing ?? Sending ?? (_connection.TryGetTarget(out UnixStreamConnection? connection) ? connection : null);

    public void OnReady(uint events)
    {
        if (Connection is { } connection)
            connection.OnReadyOnLoop(events);
        else
            Registration?.Dispose(); // its finalizer is about to run
    }

    public void OnLoopEnded() => Connection?.OnLoopEnded();

    /// <summary>The connection has been collected.</summary>
    internal void Release(string description, string? creation)
    {
        Registration?.Dispose();
        socket.Dispose();
        owner?.OnConnectionEnded(this);
        metrics.Closed();
        metrics.Leaked();
        SocketLog.Leaked(logger, description, creation ?? "unknown: the loop's debug mode records it");
    }

    public override string ToString() => Connection?.ToString() ?? "a connection that was dropped";
}
