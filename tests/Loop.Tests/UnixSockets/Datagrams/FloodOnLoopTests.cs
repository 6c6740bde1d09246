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
}
