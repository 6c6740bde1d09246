using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Children;

namespace UnixLoop.Loop.Tests.Children;

public sealed class ThreadedChildWatcherTests : ChildWatcherConformanceTests
{
    protected override int MaxChildren => 1_000;

    protected override IChildWatcher CreateWatcher() => new ThreadedChildWatcher();

    /// <summary>There was no loop to tell of the exit, and the orphans' thread told, although another loop came.</summary>
    [Fact]
    public async Task Detach_BetweenOnExitingAndTheReap_TheNextLoopTellsOfTheExit()
    {
        int detached = 0;
        RecordingHandler handler = new()
        {
            WhenExiting = _ =>
            {
                if (Interlocked.Exchange(ref detached, 1) == 0)
                    Watcher.Detach();
            },
        };
        SpawnedChild child = Watch(TestChildren.StartSleeping(), handler);
        TestChildren.Kill(child.Pid);
        Eventually.True(() => Volatile.Read(ref detached) == 1 && !TestThreads.Names().Contains($"waitpid-{child.Pid}"), "the thread that waited for it has ended");
        Assert.False(handler.IsTold);

        Watcher.Attach(Loop);
        Assert.Equal(-9, (await handler.Exited).ReturnCode);
        Assert.Equal(Loop.Name, handler.ToldOn);
    }
}
