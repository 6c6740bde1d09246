using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets.Datagrams;

/// <summary>The socket is connected to another peer while datagrams wait for the first one's room.</summary>
public sealed class ReconnectTests : DatagramTest
{
    [Fact]
    public async Task Connect_WhileSendsWait_TheyGoToThePeerOfBefore()
    {
        UnixDatagramSocket first = await BindAsync(At("first"));
        UnixDatagramSocket second = await BindAsync(At("second"));
        UnixDatagramSocket client = Connected(first.LocalAddress);
        Fill(client);
        Task[] waiting = [client.SendAsync("one"u8.ToArray()).AsTask(), client.SendAsync("two"u8.ToArray()).AsTask()];
        client.Connect(second.LocalAddress);
        await client.SendAsync("for the second"u8.ToArray()).AsTask().WaitAsync(TestTimeout);
        Assert.All(waiting, static send => Assert.False(send.IsCompleted));

        string said;
        while ((said = await ReceiveTextAsync(first)) == "fill")
        {
        }

        Assert.Equal("one", said);
        Assert.Equal("two", await ReceiveTextAsync(first));
        await Task.WhenAll(waiting).WaitAsync(TestTimeout);
        Assert.Equal("for the second", await ReceiveTextAsync(second));
        Assert.False(second.TryReceive(new byte[100], out _));
    }

    [Fact]
    public async Task Connect_ToTheSamePeerWhileASendWaits_ItIsSent()
    {
        UnixDatagramSocket peer = await BindAsync(At("peer"));
        UnixDatagramSocket client = Connected(peer.LocalAddress);
        Fill(client);
        Task waiting = client.SendAsync("last"u8.ToArray()).AsTask();
        client.Connect(peer.LocalAddress);
        while (await ReceiveTextAsync(peer) == "fill")
        {
        }

        await waiting.WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Connect_WhileASendWaitsForAPeerWithoutAName_ItFails()
    {
        (UnixDatagramSocket one, UnixDatagramSocket other) = Pair();
        UnixDatagramSocket second = await BindAsync(At("second"));
        Fill(one);
        Task waiting = one.SendAsync("for nobody"u8.ToArray()).AsTask();
        one.Connect(second.LocalAddress);
        IOException e = await Assert.ThrowsAsync<IOException>(() => waiting.WaitAsync(TestTimeout));
        Assert.Contains("no name to send to", e.Message, StringComparison.Ordinal);
        Drain(other); // it was our own buffer that was full
        await one.SendAsync("for the second"u8.ToArray()).AsTask().WaitAsync(TestTimeout);
        Assert.Equal("for the second", await ReceiveTextAsync(second));
    }
}
