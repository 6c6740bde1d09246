using UnixLoop.Interop;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>The connections that a listener has accepted and that have not ended. It keeps none of them alive.</summary>
internal sealed class AcceptedConnections : IConnectionOwner
{
    private readonly Acceptor _acceptor;
    private readonly AcceptorReports _reports;
    private readonly UnixEventLoop[] _loops;
    private readonly UnixStreamConnectionOptions _options;
    private readonly UnixSocketAddress _address;
    private readonly Lock _gate = new();
    private uint _next = uint.MaxValue;

    // Guarded by _gate.
    private readonly HashSet<ConnectionAnchor> _open = [];
    private bool _closesNewOnes;

    internal AcceptedConnections(
        Acceptor acceptor, AcceptorReports reports, UnixEventLoop[] loops, UnixStreamConnectionOptions? options, UnixSocketAddress address)
    {
        _acceptor = acceptor;
        _reports = reports;
        _loops = loops;
        _options = options ?? UnixStreamConnectionOptions.Default;
        _address = address;
    }

    /// <summary>Null if that failed, which is logged; the socket is closed then.</summary>
    internal UnixStreamConnection? TryStart(UnixHandle socket)
    {
        UnixStreamConnection connection;
        try
        {
            UnixEventLoop loop = _loops[Interlocked.Increment(ref _next) % (uint)_loops.Length];
            connection = UnixStreamConnection.Adopt(loop, socket, _address, UnixSocketAddress.Unnamed, _options, this);
        }
        catch (Exception e)
        {
            // Whatever it was, its place is free: who waits for the end of all connections must not wait for this one.
            _acceptor.Release();
            if (e is not (IOException or ObjectDisposedException or ArgumentException))
                throw;
            _reports.NotStarted(e);
            return null;
        }
        bool closes;
        lock (_gate)
        {
            if (!connection.IsEnded)
                _open.Add(connection.Anchor);
            closes = _closesNewOnes;
        }
        if (closes)
            connection.Abort();
        return connection;
    }

    public void OnConnectionEnded(ConnectionAnchor connection)
    {
        lock (_gate)
            _open.Remove(connection);
        _acceptor.Release();
    }

    /// <param name="forGood">Also those that are being accepted now are to end.</param>
    internal void CloseAll(bool forGood = false)
    {
        foreach (UnixStreamConnection connection in Snapshot(forGood))
            _ = connection.DisposeAsync().AsTask();
    }

    internal void AbortAll()
    {
        foreach (UnixStreamConnection connection in Snapshot(forGood: false))
            connection.Abort();
    }

    /// <summary>Without those that the collector has found already: their descriptors are about to be closed.</summary>
    private UnixStreamConnection[] Snapshot(bool forGood)
    {
        lock (_gate)
        {
            _closesNewOnes |= forGood;
            return [.. _open.Select(static anchor => anchor.Connection).OfType<UnixStreamConnection>()];
        }
    }
}
