using UnixLoop.Fault.Tests.Injection;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Issues;

/// <summary>
/// A timer of the loop's TimeProvider whose arming was still queued when the loop faulted, or when a loop that never ran was
/// stopped, was dropped with the queue: whoever awaited it waited for ever.
/// </summary>
public sealed class TimersOfAbandonedLoopTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    [Fact]
    public async Task CreateTimer_LoopNeverRuns_FiresAllTheSame()
    {
        var loop = new UnixEventLoop();
        (ITimer timer, Task fired) = CreateTimer(loop);
        await using (timer)
        {
            await loop.DisposeAsync();
            await fired.WaitAsync(TestTimeout);
        }
    }

    [Fact]
    public async Task CreateTimer_LoopFaults_FiresAllTheSame()
    {
        var loop = new UnixEventLoop();
        (ITimer timer, Task fired) = CreateTimer(loop);
        await using (timer)
        {
            using FaultScope fault = FaultScope.Fail("epoll_wait", EBADF);
            await loop.StartAsync();
            await Assert.ThrowsAsync<IOException>(() => loop.Completion.WaitAsync(TestTimeout));
            await fired.WaitAsync(TestTimeout);
        }
    }

    private static (ITimer Timer, Task Fired) CreateTimer(UnixEventLoop loop)
    {
        var fired = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return (loop.TimeProvider.CreateTimer(_ => fired.TrySetResult(), null, TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan), fired.Task);
    }

    public void Dispose() => _leaks.Dispose();
}
