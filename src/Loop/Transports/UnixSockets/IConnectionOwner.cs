namespace UnixLoop.Transports.UnixSockets;

/// <summary>Who accepted a connection.</summary>
internal interface IConnectionOwner
{
    /// <summary>Its descriptor is closed. Exactly once, on any thread, without a lock.</summary>
    void OnConnectionEnded(UnixStreamConnection connection);
}
