using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace UnixLoop.Hosting.Connections;

// How a web server lets go of its connections while the application drains.
//
// IConnectionLifetimeNotificationFeature.RequestClose makes Kestrel answer the request at hand with "Connection: close" (HTTP/1.1) or send
// GOAWAY (HTTP/2). Asked of a connection without a request it closes at once, and a request that is under way to it is lost:
// the client sees a reset. Nobody but the server's own flow knows for sure that a request is at hand, so that is where it is asked:
//
// 1. When a read hands the server a request line, before it is parsed. From the beginning of the drain on, that is each connection's
//    next request, and those that had been idle are told by its answer. Other bytes tell nothing: a body that the application has left
//    unread is consumed after the answer, and the connection is idle all the same.
// 2. When the drain has begun LongRequest ago, of connections whose request from before it has no answer yet: nothing was written since its line was
//    read. Between that look and the call, or before the answer's first byte, the server may have made up its mind to keep the connection: it
//    closes it then without having told. Right at the beginning that hit one of eight connections of a busy server, whose first call
//    of all this takes milliseconds; a request that has waited for so long is hardly ever answered in the moment of the look.
// 3. When DrainIdleLinger has passed, of all others: by then a balancer that asks for readiness has taken us out.
//
// HTTP/2 knows 3 alone: GOAWAY that comes as the last answer goes out is followed by the close at once, and streams on their way are
// lost to clients that do not send them again.
//
// Below TLS the bytes are not the requests': there only 3 is done, unless UseUnixHostDrain stands above TLS.

/// <summary>The connections that a web server has accepted, and what becomes of them while the application drains. Thread-safe.</summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "Each timer fires once and holds nothing that outlives the host.")]
internal sealed class ConnectionDrain
{
    private static readonly TimeSpan LongRequest = TimeSpan.FromMilliseconds(250);

    private readonly ConcurrentDictionary<DrainedConnection, byte> _connections = [];
    private readonly IOptions<UnixEventLoopOptions> _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private volatile bool _isDraining;
    private ITimer? _look;
    private ITimer? _linger;

    public ConnectionDrain(IUnixHostDrain drain, IOptions<UnixEventLoopOptions> options, ILoggerFactory loggers, TimeProvider? clock = null)
    {
        _options = options;
        _logger = new ForgivingLogger(loggers.CreateLogger(LifetimeLog.Category));
        _clock = clock ?? TimeProvider.System;
        drain.Draining.UnsafeRegister(static connections => ((ConnectionDrain)connections!).Begin(), this);
    }

    internal bool IsDraining => _isDraining;

    /// <summary>How many are open.</summary>
    internal int Count => _connections.Count;

    /// <summary>Puts itself between the server and the connection's bytes, until the connection is closed.</summary>
    internal void Add(ConnectionContext context, bool belowTls)
    {
        var connection = new DrainedConnection(this, context, belowTls);
        context.Transport = new DrainedTransport(context.Transport, connection);
        _connections.TryAdd(connection, 0);
        context.ConnectionClosed.UnsafeRegister(static closed => ((DrainedConnection)closed!).Remove(), connection);
    }

    internal void OnCloseFailed(string connectionId, Exception exception) => LifetimeLog.ConnectionCloseFailed(_logger, connectionId, exception);

    internal void Remove(DrainedConnection connection) => _connections.TryRemove(connection, out _);

    private void Begin()
    {
        _isDraining = true;
        // In every thread (membarrier(2)): a request that has not seen this has told of itself before any look below.
        Interlocked.MemoryBarrierProcessWide();
        TimeSpan linger = Linger(_options.Value);
        _linger = _clock.CreateTimer(static connections => ((ConnectionDrain)connections!).CloseAll(), this, linger, Timeout.InfiniteTimeSpan);
        if (linger > LongRequest)
            _look = _clock.CreateTimer(static connections => ((ConnectionDrain)connections!).CloseLongRequests(), this, LongRequest, Timeout.InfiniteTimeSpan);
    }

    private void CloseLongRequests()
    {
        _look?.Dispose();
        foreach (DrainedConnection connection in _connections.Keys)
            connection.CloseIfUnanswered();
    }

    /// <summary>Later than the delay the server itself closes what is open.</summary>
    internal static TimeSpan Linger(UnixEventLoopOptions options) =>
        options.DrainIdleLinger < options.ShutdownDelay ? options.DrainIdleLinger : options.ShutdownDelay;

    private void CloseAll()
    {
        _linger?.Dispose();
        foreach (DrainedConnection connection in _connections.Keys)
            connection.CloseAfterLinger();
    }
}
