using Microsoft.Extensions.Logging;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>Event ids 1500 to 1519 (docs/diagnostics.md).</summary>
internal static partial class SocketLog
{
    [LoggerMessage(EventId = 1500, EventName = "ConnectionPeerGone", Level = LogLevel.Debug, Message = "The connection to {Peer} is lost: {Reason}.")]
    internal static partial void PeerGone(ILogger logger, string peer, string reason);

    [LoggerMessage(EventId = 1501, EventName = "ConnectionFailed", Level = LogLevel.Warning, Message = "The connection to {Peer} failed.")]
    internal static partial void Failed(ILogger logger, Exception error, string peer);

    [LoggerMessage(EventId = 1502, EventName = "ConnectionEnded", Level = LogLevel.Debug, Message = "{Connection} is ended from this side.")]
    internal static partial void Ended(ILogger logger, Exception reason, UnixStreamConnection connection);

    [LoggerMessage(EventId = 1503, EventName = "ConnectionUnsent", Level = LogLevel.Warning,
        Message = "{Connection}: the peer has not taken {Bytes} bytes within {Seconds} s; closed without them.")]
    internal static partial void Unsent(ILogger logger, UnixStreamConnection connection, long bytes, double seconds);

    [LoggerMessage(EventId = 1504, EventName = "ConnectionWriteAfterLoss", Level = LogLevel.Warning,
        Message = "{Connection}: nobody reads any more, and write {Count} has come since.")]
    internal static partial void WriteAfterLoss(ILogger logger, UnixStreamConnection connection, int count);

    [LoggerMessage(EventId = 1505, EventName = "ConnectionLeaked", Level = LogLevel.Warning,
        Message = "The connection to {Peer} was dropped without being closed: its descriptor is closed now. Where it was made: {Creation}")]
    internal static partial void Leaked(ILogger logger, string peer, string creation);
}
