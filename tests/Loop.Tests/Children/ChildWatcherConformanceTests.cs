using UnixLoop.Loop.Tests.Loops;
using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Children;

namespace UnixLoop.Loop.Tests.Children;

/// <summary>What every watcher must do, whichever its strategy; with real children. This file: one child, told once and rightly.</summary>
public abstract partial class ChildWatcherConformanceTests : LoopTest
{
    /// <summary>A watcher that is not attached.</summary>
    protected abstract IChildWatcher CreateWatcher();

    protected IChildWatcher Watcher { get; private set; } = null!;

    /// <summary>The children that a test started; killed at its end, for the watcher to reap.</summary>
    private readonly List<SpawnedChild> _started = [];

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Watcher = CreateWatcher();
        Watcher.Attach(Loop);
    }

    public override async ValueTask DisposeAsync()
    {
        Watcher.Dispose();
        foreach (SpawnedChild child in _started)
            child.Pidfd?.Dispose();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(12)]
    [InlineData(255)]
    public async Task Add_ChildExits_HandlerGetsItsCodeOnceOnTheLoop(int code)
    {
        var handler = new RecordingHandler();
        SpawnedChild child = Watch(TestChildren.StartExiting(code), handler);

        ChildExitStatus status = await handler.Exited;

        await SettleAsync();
        Assert.Equal(ChildExitKind.Exited, status.Kind);
        Assert.Equal(code, status.ExitCode);
        Assert.Equal(code, status.ReturnCode);
        Assert.Equal(code << 8, status.RawStatus);
        Assert.Equal(code == 0, status.IsSuccess);
        Assert.Equal(child.Pid, handler.Pid);
        Assert.Equal(Loop.Name, handler.ToldOn);
        Assert.Equal(1, handler.ExitingCalls);
        Assert.Equal(1, handler.ExitedCalls);
        Assert.False(Watcher.Remove(child.Pid));
    }

    [Fact]
    public async Task Add_ChildIsKilled_HandlerGetsTheSignal()
    {
        var handler = new RecordingHandler();
        SpawnedChild child = Watch(TestChildren.StartSleeping(), handler);
        TestChildren.Kill(child.Pid);

        ChildExitStatus status = await handler.Exited;

        Assert.Equal(ChildExitKind.Signaled, status.Kind);
        Assert.Equal(UnixSignal.Kill, status.Signal);
        Assert.Equal(-9, status.ReturnCode);
        Assert.Equal(137, status.ShellExitCode);
        Assert.False(status.CoreDumped);
    }

    [Fact]
    public async Task Add_WithoutPidfd_HandlerGetsTheExit()
    {
        var handler = new RecordingHandler();
        SpawnedChild child = Start(TestChildren.StartSleeping());
        Watcher.Add(child.Pid, null, handler);
        TestChildren.Kill(child.Pid);
        Assert.Equal(UnixSignal.Kill, (await handler.Exited).Signal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Add_AlreadyDead_TellsNeverthelessAndNeverInsideTheCall(bool withPidfd)
    {
        SpawnedChild child = Start(TestChildren.StartDead(7));
        bool adding = true;
        bool toldInside = false;
        var handler = new RecordingHandler { WhenExited = _ => toldInside = adding };
        await Loop.InvokeAsync(() =>
        {
            Watcher.Add(child.Pid, withPidfd ? child.Pidfd : null, handler);
            adding = false;
        }).WaitAsync(TestTimeout);

        Assert.Equal(7, (await handler.Exited).ExitCode);
        Assert.False(toldInside);
    }

    [Fact]
    public async Task Add_SameChildTwice_TellsTheSecondHandlerAlone()
    {
        var first = new RecordingHandler();
        var second = new RecordingHandler();
        SpawnedChild child = Watch(TestChildren.StartSleeping(), first);
        Watcher.Add(child.Pid, child.Pidfd, second);
        TestChildren.Kill(child.Pid);

        Assert.Equal(-9, (await second.Exited).ReturnCode);
        await SettleAsync();
        Assert.Equal(0, first.ExitingCalls + first.ExitedCalls);
        Assert.Equal(1, second.ExitingCalls);
    }

    [Fact]
    public async Task Rule05_Exit_ToldBeforeTheReapAndAfterIt()
    {
        bool zombieBefore = false, goneAfter = false;
        var handler = new RecordingHandler
        {
            WhenExiting = pid => zombieBefore = TestChildren.IsZombie(pid),
            WhenExited = pid => goneAfter = !TestChildren.Exists(pid),
        };
        SpawnedChild child = Watch(TestChildren.StartSleeping(), handler);
        TestChildren.Kill(child.Pid);

        await handler.Exited;
        Assert.True(zombieBefore, "OnExiting must find the zombie, which holds its pid");
        Assert.True(goneAfter, "OnExited must come after the reap");
    }

    [Fact]
    public async Task Rule08_Usage_OfAChildThatWorked_IsTold()
    {
        var handler = new RecordingHandler();
        Watch(TestChildren.Start("sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"), handler);

        ChildResourceUsage usage = Assert.NotNull((await handler.Exited).ResourceUsage);

        Assert.InRange(usage.TotalTime, TimeSpan.FromMilliseconds(1), TestTimeout);
        Assert.Equal(usage.UserTime + usage.SystemTime, usage.TotalTime);
        Assert.InRange(usage.MaxResidentBytes, 100_000, long.MaxValue);
        Assert.InRange(usage.MinorFaults, 1, long.MaxValue);
    }

    [Fact]
    public async Task Add_NoChildOfOurs_IsReapedElsewhereInsteadOfAWaitForAStranger()
    {
        var handler = new RecordingHandler();
        Watcher.Add(1, null, handler);

        ChildExitStatus status = await handler.Exited;

        Assert.Equal(ChildExitKind.ReapedElsewhere, status.Kind);
        Assert.Equal(255, status.ReturnCode);
        Assert.Null(status.ResourceUsage);
        Assert.Equal(0, handler.ExitingCalls);
        Assert.Contains(Log.GetSnapshot(), static record => record.Id.Name == "ChildReapedElsewhere");
    }

    [Fact]
    public void Add_BadArguments_Refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>("pid", () => Watcher.Add(0, null, new RecordingHandler()));
        Assert.Throws<ArgumentOutOfRangeException>("pid", () => Watcher.Add(-1, null, new RecordingHandler()));
        Assert.Throws<ArgumentNullException>("handler", () => Watcher.Add(1, null, null!));
    }

    [Fact]
    public async Task Add_BorrowedPidfd_IsOpenWhenToldAndAfterwards()
    {
        SpawnedChild child = Start(TestChildren.StartSleeping());
        bool openWhenTold = false;
        var handler = new RecordingHandler { WhenExited = _ => openWhenTold = !child.Pidfd!.IsClosed };
        Watcher.Add(child.Pid, child.Pidfd, handler);
        TestChildren.Kill(child.Pid);
        await handler.Exited;
        Assert.True(openWhenTold);
        Assert.False(child.Pidfd!.IsClosed);
    }

    [Fact]
    public async Task Add_PidfdDisposedBeforeTheExit_StillTells()
    {
        var handler = new RecordingHandler();
        SpawnedChild child = Watch(TestChildren.StartSleeping(), handler);
        child.Pidfd!.Dispose();
        TestChildren.Kill(child.Pid);
        Assert.Equal(-9, (await handler.Exited).ReturnCode);
    }

    [Fact]
    public void BeginSpawn_AndLeave_DoesNotDisturb()
    {
        using (Watcher.BeginSpawn())
        using (Watcher.BeginSpawn())
            Assert.True(Watcher.IsActive);
    }

    /// <summary>The test owns the child's pidfd; its exit is the watcher's affair, or the test's.</summary>
    internal SpawnedChild Start(SpawnedChild child)
    {
        _started.Add(child);
        return child;
    }

    internal SpawnedChild Watch(SpawnedChild child, IChildExitHandler handler)
    {
        Watcher.Add(Start(child).Pid, child.Pidfd, handler);
        return child;
    }

    protected bool HasLogged(string eventName) => Log.GetSnapshot().Any(record => record.Id.Name == eventName);
}
