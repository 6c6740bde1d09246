using Microsoft.Extensions.Logging;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>Event ids 1550 to 1559 (docs/diagnostics.md).</summary>
internal static partial class DatagramLog
{
    internal const string Category = "UnixLoop.Transports";

    [LoggerMessage(EventId = 1550, EventName = "DatagramPeerFull", Level = LogLevel.Debug, Message = "{Socket}: {Peer} has no room; sends to it wait.")]
    internal static partial void PeerFull(ILogger logger, DatagramEngine socket, UnixSocketAddress peer);

    [LoggerMessage(EventId = 1551, EventName = "DatagramSocketClosed", Level = LogLevel.Debug, Message = "{Socket} is closed.")]
    internal static partial void Closed(ILogger logger, DatagramEngine socket);

    [LoggerMessage(EventId = 1552, EventName = "DatagramSocketLeaked", Level = LogLevel.Warning, Message = "{Socket} was dropped without being disposed: its descriptor is closed now.")]
    internal static partial void Leaked(ILogger logger, DatagramEngine socket);
}
