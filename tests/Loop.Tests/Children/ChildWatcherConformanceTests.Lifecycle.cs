using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Children;

namespace UnixLoop.Loop.Tests.Children;

// Attaching, detaching, loops that end.
public abstract partial class ChildWatcherConformanceTests
{
    private const string OrphanThread = "unix-orphans";

    [Fact]
    public async Task IsActive_FollowsAttachDetachAndTheLoop()
    {
        using IChildWatcher watcher = CreateWatcher();
        var loop = new UnixEventLoop(new UnixEventLoopSettings { Name = "other" });
        Assert.False(watcher.IsActive);
        watcher.Attach(loop);
        Assert.True(watcher.IsActive); // a loop that has not started takes registrations
        watcher.Detach();
        Assert.False(watcher.IsActive);
        watcher.Detach();
        watcher.Attach(loop);
        await loop.StartAsync();
        Assert.True(watcher.IsActive);
        await loop.DisposeAsync();
        Assert.False(watcher.IsActive);
    }

    [Fact]
    public async Task Add_Inactive_RefusedWithTheWatchersNameAndTheReason()
    {
        IChildWatcher watcher = CreateWatcher();
        string name = watcher.GetType().Name;
        InvalidOperationException never = Assert.Throws<InvalidOperationException>(() => watcher.Add(1, null, new RecordingHandler()));
        Assert.Equal($"{name} is not active: it is attached to no loop.", never.Message);

        var loop = new UnixEventLoop(new UnixEventLoopSettings { Name = "other" });
        watcher.Attach(loop);
        await loop.DisposeAsync();
        InvalidOperationException stopped = Assert.Throws<InvalidOperationException>(() => watcher.Add(1, null, new RecordingHandler()));
        Assert.Equal($"{name} is not active: its loop 'other' has stopped.", stopped.Message);

        watcher.Dispose();
        watcher.Dispose();
        Assert.Throws<ObjectDisposedException>(() => watcher.Add(1, null, new RecordingHandler()));
        Assert.Throws<ObjectDisposedException>(() => watcher.Attach(loop));
        Assert.False(watcher.IsActive);
    }

    [Fact]
    public async Task Attach_SecondLoop_RefusedUntilDetached()
    {
        await using var other = new UnixEventLoop(new UnixEventLoopSettings { Name = "other" });
        Watcher.Attach(Loop);
        InvalidOperationException refused = Assert.Throws<InvalidOperationException>(() => Watcher.Attach(other));
        Assert.Contains("'other'", refused.Message, StringComparison.Ordinal);
        Assert.Contains($"'{Loop.Name}'", refused.Message, StringComparison.Ordinal);
        Watcher.Detach();
        Watcher.Attach(other);
        Watcher.Detach();
        Assert.Throws<ArgumentNullException>(() => Watcher.Attach(null!));
    }

    [Fact]
    public async Task Detach_WithChildren_WarnsAndTheNextLoopReportsWhoDiedMeanwhile()
    {
        RecordingHandler dies = new(), lives = new();
        SpawnedChild dying = Watch(TestChildren.StartSleeping(), dies);
        SpawnedChild living = Watch(TestChildren.StartSleeping(), lives);

        Watcher.Detach();
        Assert.True(HasLogged("DetachedWithChildren"));
        TestChildren.KillAndWaitUntilDead(dying.Pid);
        await SettleAsync();
        Assert.Equal(0, dies.ExitedCalls);
        Assert.True(TestChildren.IsZombie(dying.Pid));

        await using var other = new UnixEventLoop(new UnixEventLoopSettings { Name = "other" });
        await other.StartAsync();
        Watcher.Attach(other);
        Assert.Equal(-9, (await dies.Exited).ReturnCode);
        Assert.Equal("other", dies.ToldOn);

        TestChildren.Kill(living.Pid);
        Assert.Equal(-9, (await lives.Exited).ReturnCode);
        Assert.Equal("other", lives.ToldOn);
        Assert.Equal((1, 1), (dies.ExitedCalls, lives.ExitedCalls));
    }

    [Fact]
    public async Task Detach_AndAttachAgainToTheSameLoop_LosesNobody()
    {
        RecordingHandler[] handlers = [.. Enumerable.Range(0, 20).Select(static _ => new RecordingHandler())];
        SpawnedChild[] children = [.. handlers.Select(handler => Watch(TestChildren.StartSleeping(), handler))];
        foreach (SpawnedChild child in children)
        {
            Watcher.Detach();
            TestChildren.Kill(child.Pid);
            Watcher.Attach(Loop);
        }
        foreach (RecordingHandler handler in handlers)
            Assert.Equal(-9, (await handler.Exited).ReturnCode);
        await SettleAsync();
        Assert.All(handlers, static handler => Assert.Equal(1, handler.ExitedCalls));
    }

    [Fact]
    public async Task Detach_AndAttachInTheMiddleOfExits_LosesNobody()
    {
        RecordingHandler[] handlers = [.. Enumerable.Range(0, 120).Select(static _ => new RecordingHandler())];
        SpawnedChild[] children = [.. handlers.Select(handler => Watch(TestChildren.StartSleeping(), handler))];
        await using var other = new UnixEventLoop(new UnixEventLoopSettings { Name = "other" });
        await other.StartAsync();
        var killer = new Thread(() => Array.ForEach(children, static child =>
        {
            TestChildren.Kill(child.Pid);
            Thread.SpinWait(2_000);
        }));
        killer.Start();
        for (int i = 0; killer.IsAlive || i % 2 == 1; i++)
        {
            Watcher.Detach();
            Watcher.Attach(i % 2 == 0 ? other : Loop);
        }
        foreach (RecordingHandler handler in handlers)
            Assert.Equal(-9, (await handler.Exited).ReturnCode);
        await SettleAsync();
        await other.InvokeAsync(static () => { }).WaitAsync(TestTimeout);
        Assert.All(handlers, static handler => Assert.Equal(1, handler.ExitedCalls));
        Assert.All(handlers, handler => Assert.Contains(handler.ToldOn, (string[])[Loop.Name, "other"]));
        Watcher.Detach(); // before the other loop ends
    }

    [Fact]
    public void Remove_Detached_StillKnowsTheChild()
    {
        SpawnedChild child = Watch(TestChildren.StartSleeping(), new RecordingHandler());
        Watcher.Detach();
        Assert.True(Watcher.Remove(child.Pid));
        TestChildren.KillAndWaitUntilDead(child.Pid);
        Assert.True(TestChildren.TryReap(child.Pid));
    }

    [Fact]
    public async Task LoopEnds_WithLiveChildren_TheirExitsAreToldOffTheLoopWithAWarning()
    {
        RecordingHandler first = new(), second = new();
        SpawnedChild a = Watch(TestChildren.StartSleeping(), first);
        SpawnedChild b = Watch(TestChildren.StartSleeping(), second);

        await Loop.StopAsync().WaitAsync(TestTimeout);
        TestChildren.Kill(a.Pid);
        Assert.Equal(-9, (await first.Exited).ReturnCode);
        Assert.Equal(OrphanThread, first.ToldOn);
        Assert.False(second.IsTold);
        TestChildren.Kill(b.Pid);
        Assert.Equal(-9, (await second.Exited).ReturnCode);
        Assert.Equal(1, second.ExitingCalls);
        Assert.True(HasLogged("ChildExitToldOffLoop"));
    }

    [Fact]
    public async Task LoopEnds_ThenDetachAndDispose_StillTells()
    {
        var handler = new RecordingHandler();
        SpawnedChild child = Watch(TestChildren.StartSleeping(), handler);
        await Loop.StopAsync().WaitAsync(TestTimeout);
        Watcher.Detach();
        Watcher.Dispose();
        TestChildren.Kill(child.Pid);
        Assert.Equal(-9, (await handler.Exited).ReturnCode);
    }

    [Fact]
    public async Task LoopEnds_ThenRemove_LeavesTheChildToUs()
    {
        var handler = new RecordingHandler();
        SpawnedChild child = Watch(TestChildren.StartSleeping(), handler);
        await Loop.StopAsync().WaitAsync(TestTimeout);
        Assert.True(Watcher.Remove(child.Pid));
        TestChildren.KillAndWaitUntilDead(child.Pid);
        Assert.True(TestChildren.TryReap(child.Pid));
        Assert.Equal(0, handler.ExitedCalls);
    }

    [Fact]
    public async Task LoopEnds_ThenAttachToAnother_TellsThere()
    {
        var handler = new RecordingHandler();
        SpawnedChild child = Watch(TestChildren.StartSleeping(), handler);
        await Loop.StopAsync().WaitAsync(TestTimeout);
        Watcher.Detach();
        await using var other = new UnixEventLoop(new UnixEventLoopSettings { Name = "other" });
        await other.StartAsync();
        Watcher.Attach(other);
        TestChildren.Kill(child.Pid);
        Assert.Equal(-9, (await handler.Exited).ReturnCode);
        Assert.Equal("other", handler.ToldOn);
    }

    [Fact]
    public async Task LoopNeverStarts_TheExitIsToldWhenItIsDisposed()
    {
        using IChildWatcher watcher = CreateWatcher();
        var idle = new UnixEventLoop(new UnixEventLoopSettings { Name = "idle", LoggerFactory = Loggers });
        watcher.Attach(idle);
        RecordingHandler dead = new(), alive = new(), noChild = new();
        SpawnedChild zombie = Start(TestChildren.StartDead(3));
        SpawnedChild living = Start(TestChildren.StartSleeping());
        watcher.Add(zombie.Pid, zombie.Pidfd, dead);
        watcher.Add(living.Pid, living.Pidfd, alive);
        watcher.Add(1, null, noChild);
        await idle.DisposeAsync();

        Assert.Equal(3, (await dead.Exited).ExitCode);
        Assert.Equal(255, (await noChild.Exited).ReturnCode);
        TestChildren.Kill(living.Pid);
        Assert.Equal(-9, (await alive.Exited).ReturnCode);
    }

    [Fact]
    public async Task LoopEnds_RightAfterAChildWasReapedBehindItsBack_IsStillTold()
    {
        var handler = new RecordingHandler();
        SpawnedChild child = Start(TestChildren.StartSleeping());
        Watcher.Add(child.Pid, null, handler);
        await Loop.InvokeAsync(() =>
        {
            TestChildren.KillAndWaitUntilDead(child.Pid);
            TestChildren.TryReap(child.Pid); // a waiting thread may have been quicker
        }).WaitAsync(TestTimeout);
        await Loop.StopAsync().WaitAsync(TestTimeout);
        Assert.Contains((await handler.Exited).ReturnCode, (int[])[-9, 255]);
    }

    [Fact]
    public async Task LoopEnds_WhileChildrenDie_LosesNobody()
    {
        RecordingHandler[] handlers = [.. Enumerable.Range(0, 40).Select(static _ => new RecordingHandler())];
        SpawnedChild[] children = [.. handlers.Select(handler => Watch(TestChildren.StartSleeping(), handler))];
        var killer = new Thread(() => Array.ForEach(children, static child => TestChildren.Kill(child.Pid)));
        killer.Start();
        await Loop.StopAsync().WaitAsync(TestTimeout);
        Assert.True(killer.Join(TestTimeout));
        foreach (RecordingHandler handler in handlers)
            Assert.Equal(-9, (await handler.Exited).ReturnCode);
        Assert.All(handlers, static handler => Assert.Equal(1, handler.ExitedCalls));
    }

    [Fact]
    public async Task Dispose_WithChildren_WarnsAndStillTellsOnTheLoop()
    {
        var handler = new RecordingHandler();
        SpawnedChild child = Watch(TestChildren.StartSleeping(), handler);
        Watcher.Dispose();
        Assert.True(HasLogged("DisposedWithChildren"));
        TestChildren.Kill(child.Pid);
        Assert.Equal(-9, (await handler.Exited).ReturnCode);
        Assert.Equal(Loop.Name, handler.ToldOn);
    }

    [Fact]
    public async Task Dispose_Detached_TellsOffTheLoop()
    {
        var handler = new RecordingHandler();
        SpawnedChild child = Watch(TestChildren.StartSleeping(), handler);
        Watcher.Detach();
        Watcher.Dispose();
        TestChildren.Kill(child.Pid);
        Assert.Equal(-9, (await handler.Exited).ReturnCode);
        Assert.Equal(OrphanThread, handler.ToldOn);
    }
}
