using System.Text;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets.Datagrams;

/// <summary>What one sends is what the other gets: boundaries, names, truncation.</summary>
public sealed class ExchangeTests : DatagramTest
{
    [Theory, InlineData(false), InlineData(true)]
    public async Task Echo_BoundClient_IsAnsweredByItsName(bool isAbstract)
    {
        UnixDatagramSocket server = await BindAsync(isAbstract ? AbstractName() : At("server"));
        UnixDatagramSocket client = await BindAsync(isAbstract ? AbstractName() : At("client"));
        Task echo = Task.Run(async () =>
        {
            byte[] buffer = new byte[100];
            UnixDatagramReceiveResult question = await server.ReceiveAsync(buffer);
            Assert.Equal(client.LocalAddress, question.Sender);
            await server.SendToAsync(buffer.AsMemory(0, question.Length), question.Sender);
        });
        await client.SendToAsync("ECHO"u8.ToArray(), server.LocalAddress).AsTask().WaitAsync(TestTimeout);
        Assert.Equal("ECHO", await ReceiveTextAsync(client));
        await echo.WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task CreateAutoBound_Name_IsTheKernelsAndAnswersReachIt()
    {
        UnixDatagramSocket server = await BindAsync(At("server"));
        UnixDatagramSocket client = Keep(UnixDatagramSocket.CreateAutoBound(Loop));
        Assert.True(client.LocalAddress.IsAbstract);
        Assert.Equal(5, client.LocalAddress.Bytes.Length);
        client.Connect(server.LocalAddress);
        await client.SendAsync("?"u8.ToArray());
        UnixDatagramReceiveResult question = await ReceiveAsync(server, new byte[1]);
        await server.SendToAsync("!"u8.ToArray(), question.Sender);
        Assert.Equal("!", await ReceiveTextAsync(client));
    }

    [Fact]
    public async Task Receive_UnboundSender_IsUnnamed()
    {
        UnixDatagramSocket server = await BindAsync(At("server"));
        UnixDatagramSocket client = Connected(server.LocalAddress);
        Assert.True(client.LocalAddress.IsUnnamed);
        Assert.Equal(server.LocalAddress, client.RemoteAddress);
        await client.SendAsync("hi"u8.ToArray());
        UnixDatagramReceiveResult got = await ReceiveAsync(server, new byte[10]);
        Assert.True(got.Sender.IsUnnamed);
        Assert.Equal(2, got.Length);
        Assert.Empty(got.Descriptors);
        await Assert.ThrowsAsync<ArgumentException>(async () => await server.SendToAsync("?"u8.ToArray(), got.Sender));
    }

    [Fact]
    public async Task Receive_SeveralDatagrams_KeepTheirBoundariesAndTheirOrder()
    {
        (UnixDatagramSocket one, UnixDatagramSocket other) = Pair();
        foreach (string text in (string[])["a", "bcd", "", "ef"])
            await one.SendAsync(Encoding.ASCII.GetBytes(text));
        Assert.Equal("a", await ReceiveTextAsync(other));
        Assert.Equal("bcd", await ReceiveTextAsync(other));
        Assert.Equal("", await ReceiveTextAsync(other));
        Assert.Equal("ef", await ReceiveTextAsync(other));
        Assert.False(other.TryReceive(new byte[10], out _));
    }

    [Fact]
    public async Task Receive_EmptyDatagram_EndsAReceiveThatWaits()
    {
        (UnixDatagramSocket one, UnixDatagramSocket other) = Pair();
        Task<UnixDatagramReceiveResult> waiting = ReceiveAsync(other, new byte[10]);
        Assert.False(waiting.IsCompleted);
        await one.SendAsync(ReadOnlyMemory<byte>.Empty);
        UnixDatagramReceiveResult got = await waiting;
        Assert.Equal(0, got.Length);
        Assert.False(got.IsTruncated);
    }

    [Theory, InlineData(3), InlineData(0)]
    public async Task Receive_BufferTooSmall_TellsOfTheLossAndTheNextIsWhole(int size)
    {
        (UnixDatagramSocket one, UnixDatagramSocket other) = Pair();
        await one.SendAsync("12345"u8.ToArray());
        await one.SendAsync("next"u8.ToArray());
        byte[] buffer = new byte[size];
        UnixDatagramReceiveResult got = await ReceiveAsync(other, buffer);
        Assert.True(got.IsTruncated);
        Assert.Equal(size, got.Length);
        Assert.Equal("12345"[..size], Encoding.ASCII.GetString(buffer));
        Assert.Equal("next", await ReceiveTextAsync(other));
    }

    [Fact]
    public async Task TrySendAndTryReceive_NoRoomOrNothingThere_NeverWait()
    {
        UnixDatagramSocket server = await BindAsync(At("server"));
        UnixDatagramSocket client = Connected(server.LocalAddress);
        Assert.False(server.TryReceive(new byte[10], out _));
        int filled = Fill(client);
        Assert.True(filled > 0);
        Assert.False(Connected(server.LocalAddress).TrySend("x"u8));
        for (int i = 0; i < filled; i++)
            Assert.True(server.TryReceive(new byte[10], out _));
        Assert.False(server.TryReceive(new byte[10], out _));
    }

    [Fact]
    public async Task LongPath_SendAndConnect_GoThroughADescriptor()
    {
        string folder = PathOf(new string('d', 120));
        Directory.CreateDirectory(folder);
        UnixSocketAddress address = UnixSocketAddress.FromPath(Path.Combine(folder, "s"));
        UnixDatagramSocket server = await BindAsync(address);
        await Keep(UnixDatagramSocket.Create(Loop)).SendToAsync("one"u8.ToArray(), address);
        await Connected(address).SendAsync("two"u8.ToArray());
        Assert.Equal("one", await ReceiveTextAsync(server));
        Assert.Equal("two", await ReceiveTextAsync(server));
    }

    [Fact]
    public async Task Send_PeerGone_IsRefusedEachTimeAndReconnectsToTheNext()
    {
        UnixDatagramSocket server = await BindAsync(At("server"));
        UnixDatagramSocket client = Connected(server.LocalAddress);
        await server.DisposeAsync();
        for (int i = 0; i < 3; i++)
        {
            IOException refused = await Assert.ThrowsAsync<IOException>(async () => await client.SendAsync("x"u8.ToArray()));
            Assert.Equal(ECONNREFUSED, refused.HResult);
            Assert.StartsWith($"ECONNREFUSED: send to '{PathOf("server")}'", refused.Message, StringComparison.Ordinal);
        }
        UnixDatagramSocket next = await BindAsync(At("server"));
        client.Connect(next.LocalAddress);
        await client.SendAsync("back"u8.ToArray());
        Assert.Equal("back", await ReceiveTextAsync(next));
    }

    [Fact]
    public async Task SendTo_NobodyThere_IsNamed()
    {
        UnixDatagramSocket client = Keep(UnixDatagramSocket.Create(Loop));
        Assert.Equal(ENOENT, (await Assert.ThrowsAsync<IOException>(async () => await client.SendToAsync("x"u8.ToArray(), At("nobody")))).HResult);
        Assert.Equal(ECONNREFUSED, Assert.Throws<IOException>(() => client.TrySend("x"u8, AbstractName())).HResult);
        Assert.Equal(ENOENT, Assert.Throws<IOException>(() => client.Connect(At("nobody"))).HResult);
        Assert.Null(client.RemoteAddress);
    }

    [Fact]
    public async Task Send_LargerThanTheBuffer_IsRefusedByName()
    {
        (UnixDatagramSocket one, _) = Pair();
        IOException refused = await Assert.ThrowsAsync<IOException>(async () => await one.SendAsync(new byte[16 * 1024 * 1024]));
        Assert.Equal(EMSGSIZE, refused.HResult);
    }

    [Fact]
    public async Task Send_NotConnected_SaysWhatToDo()
    {
        UnixDatagramSocket client = Keep(UnixDatagramSocket.Create(Loop));
        InvalidOperationException e = await Assert.ThrowsAsync<InvalidOperationException>(async () => await client.SendAsync("x"u8.ToArray()));
        Assert.Contains("Connect", e.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => client.TrySend("x"u8));
    }

    [Fact]
    public async Task ManySenders_KnownNames_AreTheSameObjectsAndStayRight()
    {
        UnixDatagramSocket server = await BindAsync(At("server"));
        UnixDatagramSocket[] clients = [await BindAsync(At("c1")), await BindAsync(AbstractName()), Keep(UnixDatagramSocket.CreateAutoBound(Loop))];
        UnixSocketAddress?[] first = new UnixSocketAddress?[clients.Length];
        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < clients.Length; i++)
            {
                await clients[i].SendToAsync("x"u8.ToArray(), server.LocalAddress);
                UnixSocketAddress sender = (await ReceiveAsync(server, new byte[10])).Sender;
                Assert.Equal(clients[i].LocalAddress, sender);
                Assert.Same(first[i] ??= sender, sender);
            }
        }
    }
}
