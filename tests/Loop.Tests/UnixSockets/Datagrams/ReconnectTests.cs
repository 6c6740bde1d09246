using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets.Datagrams;

/// <summary>A datagram that waits for the connected peer goes to another one, if the socket is connected to that meanwhile.</summary>
public sealed class ReconnectTests : DatagramTest
{
    /// <summary>What waits for the one peer's room is not for the other.</summary>
    [Fact]
    public async Task Connect_WhileASendWaitsForThePeerOfBefore_DoesNotGiveItToTheNewOne()
    {
        UnixDatagramSocket first = await BindAsync(At("first"));
        UnixDatagramSocket second = await BindAsync(At("second"));
        UnixDatagramSocket client = Connected(first.LocalAddress);
        Fill(client);
        Task waiting = client.SendAsync("for the first"u8.ToArray()).AsTask();
        Assert.False(waiting.IsCompleted);
        client.Connect(second.LocalAddress);
        await Task.Delay(200);
        bool gotIt = second.TryReceive(new byte[100], out _);
        Assert.False(gotIt);
    }
}
