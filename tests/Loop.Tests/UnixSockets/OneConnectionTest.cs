using UnixLoop.Interop;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets;

/// <summary>One connection for each test, and its peer.</summary>
public abstract class OneConnectionTest(UnixStreamConnectionOptions options) : ConnectionTest, IAsyncLifetime
{
    private protected UnixStreamConnection Connection { get; private set; } = null!;

    private protected UnixHandle Peer { get; private set; } = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        (Connection, Peer) = NewConnection(options);
    }

    public override async ValueTask DisposeAsync()
    {
        await Connection.DisposeAsync();
        Peer.Dispose();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
