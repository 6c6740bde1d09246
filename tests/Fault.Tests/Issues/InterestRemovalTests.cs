using Microsoft.Win32.SafeHandles;
using UnixLoop.Fault.Tests.Injection;
using UnixLoop.Fault.Tests.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Issues;

/// <summary>
/// Disposing one of two watches of a descriptor threw when epoll_ctl refused the narrower mask, and then never let go of the
/// handle: its descriptor stayed open for good.
/// </summary>
public sealed class InterestRemovalTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    [Fact]
    public async Task Dispose_MaskCannotBeNarrowed_ReleasesTheHandleAndNarrowsLater()
    {
        await using var loop = new UnixEventLoop();
        await loop.StartAsync();
        (SafeFileHandle socket, SafeFileHandle peer) = FaultLibc.SocketPair();
        using (socket)
        using (peer)
        {
            using IDisposable readable = loop.WatchReadable(socket, () => { });
            IDisposable writable = loop.WatchWritable(socket, () => { });
            using (FaultScope fault = FaultScope.Fail("epoll_ctl EPOLL_CTL_MOD", ENOMEM))
            {
                writable.Dispose();
                Assert.NotNull(fault.Plan.ReachedAt);
            }
            // A socket that nobody fills is always writable: a mask that stayed wide would report it in each turn. Not the turns are counted: the loop
            // also turns while a thread that is posting has lost its core.
            Assert.InRange(await CountReadyAsync(loop), 0, 20);
        }
    }

    /// <summary>How many descriptors are reported ready while a timer of 100 ms runs.</summary>
    private static async Task<long> CountReadyAsync(UnixEventLoop loop)
    {
        long before = loop.GetStatistics().ReadyDescriptors;
        var due = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using IDisposable timer = loop.Schedule(TimeSpan.FromMilliseconds(100), due.SetResult);
        await due.Task.WaitAsync(TestTimeout);
        return loop.GetStatistics().ReadyDescriptors - before;
    }

    public void Dispose() => _leaks.Dispose();
}
