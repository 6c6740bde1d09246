using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>The instruments of a loop's connections (docs/diagnostics.md). Names, units and attributes are API.</summary>
internal sealed class SocketMetrics
{
    private static readonly ConditionalWeakTable<UnixEventLoop, SocketMetrics> s_ofLoops = [];
    private static readonly KeyValuePair<string, object?> s_receive = new("network.io.direction", "receive");
    private static readonly KeyValuePair<string, object?> s_transmit = new("network.io.direction", "transmit");

    private readonly UpDownCounter<long> _active;
    private readonly Counter<long> _opened;
    private readonly Counter<long> _leaked;
    private readonly Counter<long> _bytes;
    private readonly KeyValuePair<string, object?> _loopName;

    private SocketMetrics(UnixEventLoop loop)
    {
        _loopName = new("unixloop.loop.name", loop.Name);
        _active = loop.Meter.CreateUpDownCounter<long>("unixloop.connections.active", "{connection}", "Unix stream connections that are open.");
        _opened = loop.Meter.CreateCounter<long>("unixloop.connections.opened", "{connection}", "Unix stream connections made: connected, accepted or handed in.");
        _leaked = loop.Meter.CreateCounter<long>("unixloop.connections.leaked", "{connection}", "Unix stream connections that were dropped without being closed.");
        _bytes = loop.Meter.CreateCounter<long>("unixloop.connections.io", "By", "Bytes read from and written to Unix stream connections, by direction.");
    }

    internal static SocketMetrics Of(UnixEventLoop loop) => s_ofLoops.GetValue(loop, static loop => new SocketMetrics(loop));

    internal void Opened()
    {
        _opened.AddQuietly(1, _loopName);
        _active.AddQuietly(1, _loopName);
    }

    internal void Closed() => _active.AddQuietly(-1, _loopName);

    internal void Leaked() => _leaked.AddQuietly(1, _loopName);

    /// <summary>Whether anybody listens to <see cref="Received"/> and <see cref="Sent"/>.</summary>
    internal bool CountsBytes => _bytes.Enabled;

    internal void Received(long bytes) => _bytes.AddQuietly(bytes, _loopName, s_receive);

    internal void Sent(long bytes) => _bytes.AddQuietly(bytes, _loopName, s_transmit);
}
