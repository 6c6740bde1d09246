using Microsoft.Extensions.Logging;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>Event ids 1520 to 1549 (docs/diagnostics.md).</summary>
internal static partial class ListenerLog
{
    internal const string Category = "UnixLoop.Transports";

    [LoggerMessage(1520, LogLevel.Debug, "Listener {Address}: bound.", EventName = "ListenerBound")]
    internal static partial void Bound(ILogger logger, UnixSocketAddress address);

    [LoggerMessage(1521, LogLevel.Debug, "Listener {Address}: serving.", EventName = "ListenerServing")]
    internal static partial void Serving(ILogger logger, UnixSocketAddress address);

    [LoggerMessage(1522, LogLevel.Debug, "Listener {Address}: closed, with {Connections} connections open.", EventName = "ListenerClosed")]
    internal static partial void Closed(ILogger logger, UnixSocketAddress address, int connections);

    [LoggerMessage(1523, LogLevel.Information, "Listener {Address}: the socket that stood there was stale, and has been replaced.", EventName = "StaleSocketReplaced")]
    internal static partial void StaleReplaced(ILogger logger, UnixSocketAddress address);

    [LoggerMessage(1524, LogLevel.Warning, "Listener {Address}: accepting pauses for {Pause} ({Error}).", EventName = "AcceptPaused")]
    internal static partial void Paused(ILogger logger, UnixSocketAddress address, TimeSpan pause, string error);

    [LoggerMessage(1525, LogLevel.Error, "Listener {Address}: accepting failed, the listener is closed.", EventName = "AcceptFailed")]
    internal static partial void Failed(ILogger logger, Exception exception, UnixSocketAddress address);

    [LoggerMessage(1526, LogLevel.Warning, "Listener {Address}: peer refused ({Peer}); {More} more since the last such line.", EventName = "PeerRefused")]
    internal static partial void Refused(ILogger logger, UnixSocketAddress address, string peer, long more);

    [LoggerMessage(1527, LogLevel.Warning, "Listener {Address}: an accepted connection could not be started, and is closed.", EventName = "ConnectionNotStarted")]
    internal static partial void NotStarted(ILogger logger, Exception exception, UnixSocketAddress address);

    [LoggerMessage(1528, LogLevel.Warning, "Listener {Address}: disposed, while {Connections} aborted connections have not ended.", EventName = "ListenerConnectionsLeft")]
    internal static partial void LeftOpen(ILogger logger, UnixSocketAddress address, int connections);
}
