using UnixLoop.Fault.Tests.Injection;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Issues;

/// <summary>
/// A wake-up that the eventfd refused made Post throw although the callback was queued, and left the loop asleep with its
/// sleeping flag taken: no later post woke it.
/// </summary>
public sealed class WakeUpRefusedTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    [Fact]
    public async Task Post_EventFdIsFull_WakesTheLoopAllTheSame()
    {
        await using var loop = new UnixEventLoop();
        await loop.StartAsync();
        using FaultScope fault = FaultScope.Fail("eventfd_write", EAGAIN);
        // Only a loop that sleeps is woken through the eventfd.
        Eventually.True(
            () =>
            {
                Assert.True(loop.InvokeAsync(() => { }).Wait(TestTimeout));
                return fault.Plan.ReachedAt is not null;
            },
            "a post finds the loop asleep");
    }

    public void Dispose() => _leaks.Dispose();
}
