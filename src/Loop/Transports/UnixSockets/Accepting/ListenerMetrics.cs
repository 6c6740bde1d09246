using System.Diagnostics.Metrics;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>The instruments of listeners on the meter "UnixLoop" (docs/diagnostics.md). Names, units and attributes are API.</summary>
internal sealed class ListenerMetrics
{
    private readonly Counter<long> _accepted;
    private readonly UpDownCounter<long> _active;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _pauses;
    private readonly KeyValuePair<string, object?> _address;

    internal ListenerMetrics(Meter meter, UnixSocketAddress address)
    {
        _address = new("network.local.address", address.ToString());
        _accepted = meter.CreateCounter<long>("unixloop.listeners.accepted", "{connection}", "Connections accepted, refused ones included.");
        _active = meter.CreateUpDownCounter<long>("unixloop.listeners.active_connections", "{connection}", "Accepted connections that are open.");
        _refused = meter.CreateCounter<long>("unixloop.listeners.refused", "{connection}", "Connections closed because their peer may not connect.");
        _pauses = meter.CreateCounter<long>("unixloop.listeners.accept_pauses", "{pause}", "Pauses of accepting for want of descriptors or memory, by errno.");
    }

    internal void Accepted()
    {
        _accepted.AddQuietly(1, _address);
        _active.AddQuietly(1, _address);
    }

    internal void Ended() => _active.AddQuietly(-1, _address);

    internal void Refused() => _refused.AddQuietly(1, _address);

    internal void Paused(string errorName) => _pauses.AddQuietly(1, _address, new KeyValuePair<string, object?>("error.type", errorName));
}
