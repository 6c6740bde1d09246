using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Children;

namespace UnixLoop.Loop.Tests.Children;

public sealed class MultiLoopChildWatcherTests : ChildWatcherConformanceTests
{
    private readonly UnixEventLoop _other = new(new UnixEventLoopSettings { Name = "other" });

    private MultiLoopChildWatcher Several => (MultiLoopChildWatcher)Watcher;

    protected override IChildWatcher CreateWatcher() => new MultiLoopChildWatcher();

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        await _other.StartAsync().WaitAsync(TestTimeout);
    }

    public override async ValueTask DisposeAsync()
    {
        await _other.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        await base.DisposeAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Exit_IsToldOnTheLoopThatAdded(bool dead)
    {
        RecordingHandler here = new(), there = new(), named = new(), nowhere = new();
        await Loop.InvokeAsync(() => Add(here, dead)).WaitAsync(TestTimeout);
        await _other.InvokeAsync(() => Add(there, dead)).WaitAsync(TestTimeout);
        Add(nowhere, dead);
        Add(named, dead, _other);

        Assert.Equal(7, (await here.Exited).ExitCode);
        Assert.Equal(7, (await there.Exited).ExitCode);
        await nowhere.Exited;
        await named.Exited;
        Assert.Equal([Loop.Name, "other", Loop.Name, "other"], [here.ToldOn, there.ToldOn, nowhere.ToldOn, named.ToldOn]);
    }

    [Fact]
    public async Task Add_ReplacedFromAnotherLoop_IsToldThere()
    {
        RecordingHandler first = new(), second = new();
        SpawnedChild child = Watch(TestChildren.StartSleeping(), first);
        await _other.InvokeAsync(() => Watcher.Add(child.Pid, child.Pidfd, second)).WaitAsync(TestTimeout);
        TestChildren.Kill(child.Pid);
        await second.Exited;
        Assert.Equal(("other", 0), (second.ToldOn, first.ExitedCalls));
    }

    [Fact]
    public async Task AttachedLoopEnds_OtherLoopsAreToldOnTheirOwn()
    {
        RecordingHandler handler = new();
        SpawnedChild child = Start(TestChildren.StartSleeping());
        Several.Add(child.Pid, child.Pidfd, handler, _other);
        await Loop.StopAsync().WaitAsync(TestTimeout);
        TestChildren.Kill(child.Pid);
        Assert.Equal(-9, (await handler.Exited).ReturnCode);
        Assert.Equal("other", handler.ToldOn);
    }

    [Fact]
    public async Task OwnLoopEnds_IsToldOffTheLoopWithAWarning()
    {
        RecordingHandler handler = new();
        SpawnedChild child = Start(TestChildren.StartSleeping());
        Several.Add(child.Pid, child.Pidfd, handler, _other);
        await _other.StopAsync().WaitAsync(TestTimeout);
        TestChildren.Kill(child.Pid);
        Assert.Equal(-9, (await handler.Exited).ReturnCode);
        Assert.Equal("unix-orphans", handler.ToldOn);
        Assert.True(HasLogged("ChildExitToldOffLoop"));
        Assert.Throws<InvalidOperationException>(() => Several.Add(1, null, handler, _other));
    }

    [Fact]
    public async Task Handler_ThrowsOnItsLoop_IsThatLoopsAffair()
    {
        var reported = new TaskCompletionSource<UnhandledExceptionContext>(TaskCreationOptions.RunContinuationsAsynchronously);
        _other.UnhandledException += reported.SetResult;
        Add(new RecordingHandler { WhenExited = static _ => throw new InvalidTimeZoneException("mine") }, dead: false, _other);
        Assert.IsType<InvalidTimeZoneException>((await reported.Task.WaitAsync(TestTimeout)).Exception);
    }

    [Fact]
    public async Task Factories_OfTwoLoops_ShareIt()
    {
        await using var here = new SubprocessFactory(Loop, Watcher);
        await using var there = new SubprocessFactory(_other, Watcher);
        Task<SubprocessResult>[] runs = [.. Enumerable.Range(0, 20).Select(i =>
            (i % 2 == 0 ? here : there).RunAsync(new SubprocessStartInfo("sh", "-c", $"echo {i}; exit {i}")))];
        for (int i = 0; i < runs.Length; i++)
        {
            SubprocessResult result = await runs[i].WaitAsync(TestTimeout);
            Assert.Equal(i, result.Exit.ExitCode);
        }
    }

    private void Add(RecordingHandler handler, bool dead, UnixEventLoop? loop = null)
    {
        SpawnedChild child = Start(dead ? TestChildren.StartDead(7) : TestChildren.StartExiting(7));
        if (loop is null)
            Several.Add(child.Pid, child.Pidfd, handler);
        else
            Several.Add(child.Pid, child.Pidfd, handler, loop);
    }
}
