using Microsoft.Extensions.Logging;
using UnixLoop.Interop;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>What an acceptor logs and counts; any thread, off its lock.</summary>
internal sealed class AcceptorReports(UnixEventLoop loop, UnixSocketAddress address)
{
    /// <summary>Strangers must not fill the disk.</summary>
    private static readonly TimeSpan RefusalInterval = TimeSpan.FromSeconds(1);

    /// <summary>Nor must a shortage in which connections come and go; a pause of full length has its line.</summary>
    private static readonly TimeSpan PauseInterval = Acceptor.Pause / 2;

    private readonly ILogger _logger = new ForgivingLogger(loop.LoggerFactory.CreateLogger(ListenerLog.Category));
    private readonly ListenerMetrics _metrics = new(loop.Meter, address);
    private readonly TimeProvider _clock = loop.Clock;
    private readonly Lock _gate = new();

    // Guarded by _gate.
    private long? _lastRefusal;
    private long? _lastPause;
    private long _unlogged;

    internal void Bound(bool hasReplacedStale)
    {
        if (hasReplacedStale)
            ListenerLog.StaleReplaced(_logger, address);
        ListenerLog.Bound(_logger, address);
    }

    internal void Serving() => ListenerLog.Serving(_logger, address);

    internal void Closed(Exception? fault, int open)
    {
        if (fault is not null)
            ListenerLog.Failed(_logger, fault, address);
        ListenerLog.Closed(_logger, address, open);
    }

    internal void LeftOpen(int open) => ListenerLog.LeftOpen(_logger, address, open);

    internal void Accepted() => _metrics.Accepted();

    internal void Ended() => _metrics.Ended();

    internal void NotStarted(Exception exception) => ListenerLog.NotStarted(_logger, exception, address);

    internal void Paused(int errno)
    {
        _metrics.Paused(PosixError.Name(errno));
        lock (_gate)
        {
            if (_lastPause is long last && _clock.GetElapsedTime(last) < PauseInterval)
                return;
            _lastPause = _clock.GetTimestamp();
        }
        ListenerLog.Paused(_logger, address, Acceptor.Pause, $"{PosixError.Name(errno)}: {PosixError.Message(errno)}");
    }

    internal void Refused(string peer)
    {
        _metrics.Refused();
        long more;
        lock (_gate)
        {
            if (_lastRefusal is long last && _clock.GetElapsedTime(last) < RefusalInterval)
            {
                _unlogged++;
                return;
            }
            _lastRefusal = _clock.GetTimestamp();
            more = _unlogged;
            _unlogged = 0;
        }
        ListenerLog.Refused(_logger, address, peer, more);
    }
}
