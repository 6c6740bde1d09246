using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using UnixLoop.Kestrel.Tests.Support;

namespace UnixLoop.Kestrel.Tests.Conformance;

public sealed class ShutdownTests : KestrelTest
{
    private const string Get = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

    [Theory, Transports(WithTwoLoops = true)]
    public async Task Graceful_RequestInFlightFinishes_NewClientsAreRefused_AndTheFileIsGone(Transport transport)
    {
        TaskCompletionSource began = new();
        TaskCompletionSource finish = new();
        await using TestServer server = await TestServer.StartAsync(transport, app => app.Run(async context =>
        {
            began.SetResult();
            await finish.Task.WaitAsync(TestTimeout);
            await context.Response.WriteAsync("served to the end");
        }));
        using RawClient idle = await RawClient.ConnectAsync(server.Path);
        using RawClient client = await RawClient.ConnectAsync(server.Path);
        await client.SendAsync(Get);
        await began.Task.WaitAsync(TestTimeout);
        Task stop = server.StopAsync();
        Assert.Equal("", await idle.ReceiveAllAsync());
        await Assert.ThrowsAsync<SocketException>(() => RawClient.ConnectAsync(server.Path));
        Assert.False(stop.IsCompleted);
        finish.SetResult();
        Assert.Contains("served to the end", await client.ReceiveUntilAsync("served to the end"), StringComparison.Ordinal);
        await stop;
        Assert.False(File.Exists(server.Path));
    }

    [Theory, Transports(WithTwoLoops = true)]
    public async Task Forced_RequestsThatGoOn_AreAborted(Transport transport)
    {
        TaskCompletionSource began = new();
        TaskCompletionSource aborted = new();
        await using TestServer server = await TestServer.StartAsync(transport, app => app.Run(async context =>
        {
            context.RequestAborted.Register(aborted.SetResult);
            began.SetResult();
            await aborted.Task.WaitAsync(TestTimeout);
        }));
        using RawClient client = await RawClient.ConnectAsync(server.Path);
        await client.SendAsync(Get);
        await began.Task.WaitAsync(TestTimeout);
        await server.StopAsync(TimeSpan.FromMilliseconds(100));
        await aborted.Task.WaitAsync(TestTimeout);
        Assert.Equal("", await client.ReceiveAllAsync());
    }

    [Theory, Transports]
    public async Task Listener_AfterUnbind_AcceptsNull(Transport transport)
    {
        await using TestServer host = await TestServer.StartAsync(transport, Http1Tests.Hello);
        EndPoint address = new UnixDomainSocketEndPoint(host.Path + ".second");
        await using IConnectionListener listener = await transport.FactoryOf(host.Services).BindAsync(address);
        Task<ConnectionContext?> accept = listener.AcceptAsync().AsTask();
        using (RawClient client = await RawClient.ConnectAsync(host.Path + ".second"))
        {
            await using ConnectionContext connection = (await accept.WaitAsync(TestTimeout))!;
            await connection.Transport.Output.WriteAsync(Encoding.ASCII.GetBytes("accepted"));
            Assert.Equal("accepted"u8.ToArray(), await client.ReceiveExactlyAsync(8));
        }
        accept = listener.AcceptAsync().AsTask();
        await listener.UnbindAsync();
        Assert.Null(await accept.WaitAsync(TestTimeout));
        Assert.Null(await listener.AcceptAsync().AsTask().WaitAsync(TestTimeout));
    }

    /// <summary>Kestrel aborts its connections, which needs no loop; one that it does not know of, and that has something to send, can't end.</summary>
    [Fact]
    public async Task Listener_Disposed_LoopOfAConnectionIsHeld_IsTold()
    {
        await using TestServer host = await TestServer.StartAsync(Transport.Loop, Http1Tests.Hello);
        using ManualResetEventSlim hold = new();
        IConnectionListener listener = await Transport.Loop.FactoryOf(host.Services).BindAsync(new UnixDomainSocketEndPoint(host.Path + ".second"));
        using RawClient client = await RawClient.ConnectAsync(host.Path + ".second");
        await using ConnectionContext connection = (await listener.AcceptAsync().AsTask().WaitAsync(TestTimeout))!;
        host.Services.GetRequiredService<IUnixEventLoop>().Post(() => hold.Wait(TestTimeout));
        Task written = connection.Transport.Output.WriteAsync(new byte[1 << 20]).AsTask(); // more than a socket takes at once

        await listener.DisposeAsync().AsTask().WaitAsync(TestTimeout);

        Assert.Contains(host.Log.GetSnapshot(), static record => record.Id.Name == "KestrelConnectionsLeft");
        hold.Set();
        Assert.Equal(1 << 20, (await client.ReceiveAllAsync()).Length);
        await written.WaitAsync(TestTimeout);
    }

    [Theory, Transports]
    public async Task Bind_ToAnAddressInUse_IsAddressInUse(Transport transport)
    {
        await using TestServer host = await TestServer.StartAsync(transport, Http1Tests.Hello);
        await Assert.ThrowsAsync<AddressInUseException>(async () =>
            await transport.FactoryOf(host.Services).BindAsync(new UnixDomainSocketEndPoint(host.Path)));
        using RawClient client = await RawClient.ConnectAsync(host.Path);
        await client.SendAsync(Get);
        await client.ReceiveUntilAsync("hello");
    }
}
