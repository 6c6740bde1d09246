using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>A bound server, a client of each kind and a full receiver: each send that says it went arrives once, in order.</summary>
internal sealed class DatagramScenario : Scenario
{
    private const int Datagrams = 30;

    internal override string Name => "datagrams";

    /// <summary>Sockets can be polled.</summary>
    internal override bool CanHappen(string function, int errno) => !(function == "epoll_ctl EPOLL_CTL_ADD" && errno == EPERM);

    internal override async Task RunAsync(Rig rig)
    {
        UnixEventLoop loop = await rig.StartLoopAsync();
        string folder = Directory.CreateTempSubdirectory("dgram-").FullName;
        rig.AtEnd(() =>
        {
            Directory.Delete(folder, recursive: true);
            return Task.CompletedTask;
        });
        await using UnixDatagramSocket server = await UnixDatagramSocket.BindAsync(loop, UnixSocketAddress.FromPath(Path.Combine(folder, "s")));
        await using UnixDatagramSocket client = UnixDatagramSocket.CreateAutoBound(loop);
        Task<(int, Exception?)> sending = rig.Track(SendAsync(client, server.LocalAddress));
        int received = 0;
        int last = -1;
        byte[] buffer = new byte[10];
        while (true)
        {
            UnixDatagramReceiveResult got = await server.ReceiveAsync(buffer);
            if (got.Length == 0)
                break;
            rig.Expect(buffer[0] > last && got.Sender.Equals(client.LocalAddress), $"datagrams come in their order: {buffer[0]} after {last}, from {got.Sender}");
            last = buffer[0];
            received++;
        }
        (int sent, Exception? failure) = await sending;
        rig.Expect(received == sent, $"what was sent arrives: {received} of {sent}");
        if (failure is not null)
            throw failure;
    }

    /// <summary>Some at once, so that they wait for room; then, connected, the empty one that says it is over.</summary>
    private static async Task<(int Sent, Exception? Failure)> SendAsync(UnixDatagramSocket client, UnixSocketAddress server)
    {
        Task[] sends = [.. Enumerable.Range(0, Datagrams).Select(i => client.SendToAsync(new[] { (byte)i }, server).AsTask())];
        int sent = 0;
        Exception? failure = null;
        foreach (Task send in sends)
        {
            try
            {
                await send;
                sent++;
            }
            catch (IOException e)
            {
                failure = e;
            }
        }
        try
        {
            client.Connect(server);
            await client.SendAsync(Array.Empty<byte>());
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            failure = e;
            await client.SendToAsync(Array.Empty<byte>(), server);
        }
        return (sent, failure);
    }

    internal override bool Documents(Exception exception, Injection.InjectedFault fault) =>
        exception is IOException && (exception.HResult == fault.Errno || (exception.HResult == EADDRINUSE && fault.Function == "connect"));
}
