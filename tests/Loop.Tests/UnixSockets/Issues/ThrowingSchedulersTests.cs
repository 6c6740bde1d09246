using System.IO.Pipelines;
using UnixLoop.Interop;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets.Issues;

/// <summary>A scheduler that takes no work any more kept the loop's end, and the connection's own, from being told to others.</summary>
public sealed class ThrowingSchedulersTests : ConnectionTest
{
    private static readonly UnixStreamConnectionOptions Throwing = new() { Scheduler = new ThrowingScheduler() };

    [Fact]
    public async Task LoopEnds_ASchedulerThrows_OthersAreTold()
    {
        (UnixStreamConnection bad, UnixHandle badPeer) = NewConnection(Throwing);
        (UnixStreamConnection good, UnixHandle goodPeer) = NewConnection();
        using (badPeer)
        using (goodPeer)
        {
            Task lost = bad.Input.ReadAsync().AsTask();
            Task told = good.Input.ReadAsync().AsTask();
            await Loop.DisposeAsync().AsTask().WaitAsync(TestTimeout);
            await Assert.ThrowsAsync<ObjectDisposedException>(() => told.WaitAsync(TestTimeout));
            Assert.True(good.Closed.IsCancellationRequested);
            Assert.True(bad.Closed.IsCancellationRequested);
            await Assert.ThrowsAsync<ObjectDisposedException>(() => lost.WaitAsync(TestTimeout));
        }
    }

    [Fact]
    public async Task Bytes_ASchedulerThrows_ReachTheirReaderAndOthersGoOn()
    {
        (UnixStreamConnection bad, UnixHandle badPeer) = NewConnection(Throwing);
        (UnixStreamConnection good, UnixHandle goodPeer) = NewConnection();
        using (badPeer)
        using (goodPeer)
        {
            Task read = bad.Input.ReadAsync().AsTask();
            Task told = good.Input.ReadAsync().AsTask();
            Send(badPeer, "bytes"); // on the loop
            await SettleAsync();
            Send(goodPeer, "bytes");
            await told.WaitAsync(TestTimeout);
            await read.WaitAsync(TestTimeout);
            await bad.DisposeAsync();
            await good.DisposeAsync();
        }
    }

    private sealed class ThrowingScheduler : PipeScheduler
    {
        public override void Schedule(Action<object?> action, object? state) => throw new InvalidOperationException("No work is taken any more.");
    }
}
