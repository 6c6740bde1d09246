using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.SendFile;

/// <summary>With a connection over <see cref="SendFileTest.Socket"/>, which is aborted in the end.</summary>
public abstract class ConnectedSendFileTest : SendFileTest
{
    protected UnixStreamConnection Connection { get; private set; } = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Connection = UnixStreamConnection.FromSocket(Loop, Socket);
    }

    public override async ValueTask DisposeAsync()
    {
        Connection.Abort();
        await Connection.DisposeAsync();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
