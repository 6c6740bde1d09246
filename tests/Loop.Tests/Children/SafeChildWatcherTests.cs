using UnixLoop.Signals;
using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Children;

namespace UnixLoop.Loop.Tests.Children;

public sealed class SafeChildWatcherTests : ChildWatcherConformanceTests
{
    protected override IChildWatcher CreateWatcher() => new SafeChildWatcher();

    [Fact]
    public async Task Attach_InstallsOneHandlerAndTheLastChildsEndRemovesIt()
    {
        Assert.True(SignalHub.Shared.IsInstalled(UnixSignal.Chld));
        var handler = new RecordingHandler();
        SpawnedChild child = Watch(TestChildren.StartSleeping(), handler);
        Watcher.Dispose();
        Assert.True(SignalHub.Shared.IsInstalled(UnixSignal.Chld), "a child is still to be told of");
        TestChildren.Kill(child.Pid);
        await handler.Exited;
        Eventually.True(() => !SignalHub.Shared.IsInstalled(UnixSignal.Chld), "nobody needs SIGCHLD any more");
    }

    [Fact]
    public void Detach_RemovesTheHandler()
    {
        Watcher.Detach();
        Assert.False(SignalHub.Shared.IsInstalled(UnixSignal.Chld));
        Watcher.Attach(Loop);
        Assert.True(SignalHub.Shared.IsInstalled(UnixSignal.Chld));
    }

    [Fact]
    public async Task Exit_ReapedBehindItsBack_IsToldAtTheSignal()
    {
        RecordingHandler handler = new();
        await Loop.InvokeAsync(() =>
        {
            SpawnedChild child = Start(TestChildren.StartSleeping());
            Watcher.Add(child.Pid, null, handler);
            TestChildren.KillAndWaitUntilDead(child.Pid);
            Assert.True(TestChildren.TryReap(child.Pid));
        }).WaitAsync(TestTimeout);
        Assert.Equal(255, (await handler.Exited).ReturnCode);
        Assert.True(HasLogged("ChildReapedElsewhere"));
    }
}
