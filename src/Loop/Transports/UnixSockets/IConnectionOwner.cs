namespace UnixLoop.Transports.UnixSockets;

/// <summary>Who accepted a connection.</summary>
internal interface IConnectionOwner
{
    /// <summary>Its descriptor is closed, also because it was dropped and collected. Exactly once, on any thread, without a lock.</summary>
    void OnConnectionEnded(ConnectionAnchor connection);
}
