using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets.Datagrams;

/// <summary>Code on the loop that always finds a datagram held the loop for as long as its senders liked.</summary>
public sealed class FloodOnLoopTests : DatagramTest
{
    [Fact]
    public async Task ContinueOnLoop_ADatagramIsAlwaysThere_LoopGoesOnWithItsOtherWork()
    {
        const int Most = 5000;
        (UnixDatagramSocket one, UnixDatagramSocket other) = Pair(new UnixDatagramSocketOptions { ContinueOnLoop = true });
        int received = 0, receivedWhenRun = -1;
        await Loop.InvokeAsync(async () =>
        {
            Loop.Post(() => receivedWhenRun = received);
            byte[] buffer = new byte[10];
            while (received < Most)
            {
                Assert.True(one.TrySend("more"u8)); // as a sender elsewhere would that is faster than we are
                await other.ReceiveAsync(buffer);
                received++;
            }
        }).WaitAsync(TestTimeout);
        await SettleAsync();
        Assert.InRange(receivedWhenRun, 0, 300);
    }

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
