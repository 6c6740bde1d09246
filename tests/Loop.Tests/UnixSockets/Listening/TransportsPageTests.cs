using UnixLoop.Interop;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets.Listening;

/// <summary>The example of docs/transports.md, for listeners.</summary>
public sealed class TransportsPageTests : ListenerTest
{
    [Fact]
    public async Task Listeners_Example_Works()
    {
        Requires.Root();
        UnixEventLoop loop = Loop;
        CancellationToken stopping = TestContext.Current.CancellationToken;
        int served = 0;
        async Task ServeAsync(UnixStreamConnection connection)
        {
            served++;
            await connection.DisposeAsync();
        }

        await using UnixStreamListener listener = await UnixStreamListener.BindAsync(
            loop, UnixSocketAddress.FromPath(SocketPath),
            new() { Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite, Group = "www-data" },
            stopping);
        using UnixHandle client = RawSocket.Connected(SocketPath);
        _ = Task.Run(
            () =>
            {
                Eventually.True(() => served == 1, "the connection is served");
                listener.Close();
            },
            stopping);

        while (await listener.AcceptAsync(stopping) is { } connection)
            _ = ServeAsync(connection);

        Assert.Equal(1, served);
        await listener.WaitClosedAsync(stopping).WaitAsync(TestTimeout);
    }
}
