using System.Globalization;
using System.Text;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets.Datagrams;

/// <summary>Receivers that are full: senders wait, in order, and the loop sleeps.</summary>
public sealed class BackPressureTests : DatagramTest
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Theory, InlineData(true), InlineData(false)]
    public async Task Rule27_FullReceiver_LoopSleepsUntilThereIsRoom(bool isConnected)
    {
        UnixDatagramSocket server = await BindAsync(At("server"));
        UnixDatagramSocket client = isConnected ? Connected(server.LocalAddress) : Keep(UnixDatagramSocket.Create(Loop));
        UnixSocketAddress? destination = isConnected ? null : server.LocalAddress;
        int filled = Fill(client, destination);
        Task[] waiting = [.. Enumerable.Range(0, 30).Select(i => SendAsync(client, destination, $"{i}"))];

        Assert.InRange(await CountTurnsAsync(Second), 0, 200);
        Assert.All(waiting, send => Assert.False(send.IsCompleted));

        for (int i = 0; i < filled; i++)
            Assert.Equal("fill", await ReceiveTextAsync(server));
        for (int i = 0; i < waiting.Length; i++)
            Assert.Equal($"{i}", await ReceiveTextAsync(server));
        await Task.WhenAll(waiting).WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Rule27_MoreFullReceiversThanHelpers_AllGetTheirsAndTheLoopSleeps()
    {
        const int Receivers = 20;
        UnixDatagramSocket client = Keep(UnixDatagramSocket.Create(Loop));
        var servers = new UnixDatagramSocket[Receivers];
        var waiting = new Task[Receivers];
        for (int i = 0; i < Receivers; i++)
        {
            servers[i] = await BindAsync(AbstractName());
            Fill(client, servers[i].LocalAddress);
            waiting[i] = SendAsync(client, servers[i].LocalAddress, $"for {i}");
        }
        // Sixteen helpers say nothing; four timers back off to 100 ms.
        Assert.InRange(await CountTurnsAsync(Second), 0, 200);
        Assert.InRange(Loop.GetStatistics().WatchedDescriptors - Receivers - 1, 1, 16); // besides the sockets themselves
        for (int i = 0; i < Receivers; i++)
        {
            string last;
            do
            {
                last = await ReceiveTextAsync(servers[i]);
            }
            while (last == "fill");
            Assert.Equal($"for {i}", last);
        }
        await Task.WhenAll(waiting).WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Rule27_ConnectedElsewhere_FullDestinationIsWaitedForAllTheSame()
    {
        UnixDatagramSocket peer = await BindAsync(At("peer"));
        UnixDatagramSocket server = await BindAsync(At("server"));
        UnixDatagramSocket client = Connected(peer.LocalAddress);
        Fill(client);
        Fill(Keep(UnixDatagramSocket.Create(Loop)), server.LocalAddress);
        Task waiting = SendAsync(client, server.LocalAddress, "last");
        Assert.InRange(await CountTurnsAsync(Second), 0, 200);
        string got;
        do
        {
            got = await ReceiveTextAsync(server);
        }
        while (got == "fill");
        Assert.Equal("last", got);
        await waiting;
    }

    [Fact]
    public async Task OneFullReceiver_SendsToOthers_GoOn()
    {
        UnixDatagramSocket full = await BindAsync(At("full"));
        UnixDatagramSocket other = await BindAsync(At("other"));
        UnixDatagramSocket client = Keep(UnixDatagramSocket.Create(Loop));
        Fill(client, full.LocalAddress);
        Task waiting = SendAsync(client, full.LocalAddress, "late");
        Task quick = SendAsync(client, other.LocalAddress, "quick");
        Assert.True(quick.IsCompletedSuccessfully);
        Assert.Equal("quick", await ReceiveTextAsync(other));
        Assert.False(waiting.IsCompleted);
        Drain(full);
        await waiting;
    }

    [Fact]
    public async Task OwnBufferFull_LargeDatagramsToSeveral_AreAllDelivered()
    {
        UnixDatagramSocket[] servers = [await BindAsync(AbstractName()), await BindAsync(AbstractName()), await BindAsync(AbstractName())];
        UnixDatagramSocket client = Keep(UnixDatagramSocket.Create(Loop));
        byte[] large = new byte[50_000];
        Task[] sends = [.. Enumerable.Range(0, 24).Select(i => client.SendToAsync(large, servers[i % 3].LocalAddress).AsTask())];
        Assert.InRange(await CountTurnsAsync(Second), 0, 200);
        Assert.Contains(sends, send => !send.IsCompleted);
        Task[] receives = [.. servers.Select(server => Task.Run(async () =>
        {
            byte[] buffer = new byte[60_000];
            for (int i = 0; i < sends.Length / servers.Length; i++)
                Assert.Equal(large.Length, (await ReceiveAsync(server, buffer)).Length);
        }))];
        await Task.WhenAll([.. sends, .. receives]).WaitAsync(TestTimeout);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task SendThatWaits_ReceiverCloses_IsRefused(bool isConnected)
    {
        UnixDatagramSocket server = await BindAsync(At("server"));
        UnixSocketAddress address = server.LocalAddress;
        UnixDatagramSocket client = isConnected ? Connected(address) : Keep(UnixDatagramSocket.Create(Loop));
        UnixSocketAddress? destination = isConnected ? null : address;
        Fill(client, destination);
        Task[] waiting = [SendAsync(client, destination, "1"), SendAsync(client, destination, "2")];
        await server.DisposeAsync();
        foreach (Task send in waiting)
            Assert.Contains((await Assert.ThrowsAsync<IOException>(() => send.WaitAsync(TestTimeout))).HResult, (int[])[ECONNREFUSED, ENOENT]);
    }

    [Fact]
    public async Task SendThatWaits_NameHasANewOwner_GoesToIt()
    {
        UnixSocketAddress name = AbstractName();
        UnixDatagramSocket first = await BindAsync(name);
        UnixDatagramSocket client = Keep(UnixDatagramSocket.Create(Loop));
        Fill(client, name);
        Task early = SendAsync(client, name, "early");
        Drain(first);
        await early.WaitAsync(TestTimeout);
        await first.DisposeAsync();
        // The helper that is kept is connected to a socket which is gone.
        UnixDatagramSocket second = await BindAsync(name);
        Fill(client, name);
        Task late = SendAsync(client, name, "late");
        Assert.InRange(await CountTurnsAsync(Second), 0, 200);
        Drain(second);
        await late.WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task ManyWritersAndASlowReader_EveryDatagramComesOnceAndInOrder()
    {
        const int Writers = 8;
        const int Each = 500;
        UnixDatagramSocket server = await BindAsync(At("server"));
        Task[] writers = [.. Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            await using UnixDatagramSocket client = UnixDatagramSocket.Create(Loop);
            if (writer % 2 == 0)
                client.Connect(server.LocalAddress);
            for (int i = 0; i < Each; i++)
            {
                string text = $"{writer} {i}";
                await SendAsync(client, writer % 2 == 0 ? null : server.LocalAddress, text);
            }
        }))];
        int[] next = new int[Writers];
        for (int i = 0; i < Writers * Each; i++)
        {
            string[] parts = (await ReceiveTextAsync(server)).Split(' ');
            int writer = int.Parse(parts[0], CultureInfo.InvariantCulture);
            Assert.Equal(next[writer]++, int.Parse(parts[1], CultureInfo.InvariantCulture));
        }
        await Task.WhenAll(writers).WaitAsync(TestTimeout);
    }

    private static Task SendAsync(UnixDatagramSocket client, UnixSocketAddress? destination, string text)
    {
        byte[] data = Encoding.ASCII.GetBytes(text);
        return destination is null ? client.SendAsync(data).AsTask() : client.SendToAsync(data, destination).AsTask();
    }
}
