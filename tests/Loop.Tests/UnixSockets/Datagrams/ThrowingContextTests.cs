using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets.Datagrams;

/// <summary>A context that takes no work any more kept the socket open, and its file where it was.</summary>
public sealed class ThrowingContextTests : DatagramTest
{
    [Fact]
    public async Task Dispose_TheReceiversContextThrows_ClosesAllTheSame()
    {
        UnixDatagramSocket socket = await BindAsync(At("server"));
        SynchronizationContext? own = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(new ThrowingContext());
        _ = ReceiveAsync();
        SynchronizationContext.SetSynchronizationContext(own);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await socket.DisposeAsync());
        Assert.False(File.Exists(PathOf("server")));
        Assert.Equal(0, Loop.GetStatistics().WatchedDescriptors);

        async Task ReceiveAsync() => await socket.ReceiveAsync(new byte[1]);
    }

    private sealed class ThrowingContext : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state) => throw new InvalidOperationException("No work is taken any more.");
    }
}
