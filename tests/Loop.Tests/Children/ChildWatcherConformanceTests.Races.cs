using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Children;

namespace UnixLoop.Loop.Tests.Children;

// Many children, handlers that misbehave, and calls that meet an exit half-way.
public abstract partial class ChildWatcherConformanceTests
{
    [Fact]
    public async Task Exits_OfTwoChildrenInOneTurn_AreBothTold()
    {
        var first = new RecordingHandler();
        var second = new RecordingHandler();
        SpawnedChild a = Watch(TestChildren.StartSleeping(), first);
        SpawnedChild b = Watch(TestChildren.StartSleeping(), second);
        await Loop.InvokeAsync(() =>
        {
            TestChildren.KillAndWaitUntilDead(a.Pid);
            TestChildren.KillAndWaitUntilDead(b.Pid);
        }).WaitAsync(TestTimeout);
        Assert.Equal(-9, (await first.Exited).ReturnCode);
        Assert.Equal(-9, (await second.Exited).ReturnCode);
    }

    [Fact]
    public async Task Exits_ThousandInABurst_AreAllToldOnceWithTheirOwnStatus()
    {
        int many = Math.Min(Math.Max(TestChildren.Many, 1_000), MaxChildren);
        RecordingHandler[] handlers = [.. Enumerable.Range(0, many).Select(static _ => new RecordingHandler())];
        SpawnedChild[] children = new SpawnedChild[many];
        // Half of them exit with a code of their own when their input ends, the other half is killed.
        using (var gate = new System.IO.Pipes.AnonymousPipeServerStream(System.IO.Pipes.PipeDirection.Out))
        {
            for (int i = 0; i < many; i++)
                children[i] = Watch(i % 2 == 0 ? StartWaitingFor(gate, i) : TestChildren.StartSleeping(), handlers[i]);
            gate.DisposeLocalCopyOfClientHandle();
        }
        for (int i = 1; i < many; i += 2)
            TestChildren.Kill(children[i].Pid);

        for (int i = 0; i < many; i++)
            Assert.Equal(i % 2 == 0 ? i % 250 : -9, (await handlers[i].Exited).ReturnCode);
        await SettleAsync();
        Assert.All(handlers, static handler => Assert.Equal((1, 1), (handler.ExitingCalls, handler.ExitedCalls)));
    }

    /// <summary>Bounded where each child costs a thread.</summary>
    protected virtual int MaxChildren => int.MaxValue;

    private static SpawnedChild StartWaitingFor(System.IO.Pipes.AnonymousPipeServerStream gate, int number) =>
        Spawner.Start(
            new SubprocessStartInfo("sh", "-c", $"read x; exit {number % 250}") { ProcessGroup = ProcessGroup.Inherit },
            Stdio.Descriptor(gate.ClientSafePipeHandle), Stdio.Null, Stdio.Null);

    [Fact]
    public async Task Add_FromManyThreads_LosesNobody()
    {
        RecordingHandler[] handlers = [.. Enumerable.Range(0, 80).Select(static _ => new RecordingHandler())];
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(t => new Thread(() =>
        {
            for (int i = t; i < handlers.Length; i += 4)
            {
                SpawnedChild child = TestChildren.StartExiting(i);
                Watcher.Add(child.Pid, child.Pidfd, handlers[i]);
                child.Pidfd!.Dispose(); // the watcher has borrowed it
            }
        }))];
        Array.ForEach(threads, static thread => thread.Start());
        Assert.All(threads, static thread => Assert.True(thread.Join(TestTimeout)));
        for (int i = 0; i < handlers.Length; i++)
            Assert.Equal(i, (await handlers[i].Exited).ExitCode);
    }

    [Fact]
    public async Task Add_FromAHandler_Works()
    {
        var second = new RecordingHandler();
        var first = new RecordingHandler { WhenExited = _ => Watch(TestChildren.StartExiting(4), second) };
        Watch(TestChildren.StartExiting(3), first);
        Assert.Equal(3, (await first.Exited).ExitCode);
        Assert.Equal(4, (await second.Exited).ExitCode);
    }

    [Fact]
    public async Task Add_ReplacedBeforeTheReap_TellsTheSecondHandlerAlone()
    {
        var second = new RecordingHandler();
        SpawnedChild child = Start(TestChildren.StartSleeping());
        // OnExiting comes before the reap: the last moment at which a handler can be replaced.
        var first = new RecordingHandler { WhenExiting = pid => Watcher.Add(pid, child.Pidfd, second) };
        Watcher.Add(child.Pid, child.Pidfd, first);
        TestChildren.Kill(child.Pid);

        Assert.Equal(-9, (await second.Exited).ReturnCode);
        await SettleAsync();
        Assert.Equal(1, second.ExitingCalls);
        Assert.Equal(1, second.ExitedCalls);
        Assert.Equal(0, first.ExitedCalls);
    }

    [Fact]
    public async Task Remove_Watched_IsTrueThenFalseAndLeavesTheChildToUs()
    {
        var handler = new RecordingHandler();
        SpawnedChild child = Watch(TestChildren.StartSleeping(), handler);
        Assert.True(Watcher.Remove(child.Pid));
        Assert.False(Watcher.Remove(child.Pid));

        TestChildren.KillAndWaitUntilDead(child.Pid);
        await SettleAsync();
        Assert.True(TestChildren.IsZombie(child.Pid), "a removed child must not be reaped");
        Assert.True(TestChildren.TryReap(child.Pid));
        Assert.Equal(0, handler.ExitingCalls + handler.ExitedCalls);
    }

    [Fact]
    public void Remove_Unknown_IsFalse() => Assert.False(Watcher.Remove(4_000_000));

    [Fact]
    public async Task Remove_BeforeTheReap_TellsNobody()
    {
        bool removed = false;
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new RecordingHandler
        {
            WhenExiting = pid =>
            {
                removed = Watcher.Remove(pid);
                asked.SetResult();
            },
        };
        SpawnedChild child = Watch(TestChildren.StartSleeping(), handler);
        TestChildren.Kill(child.Pid);

        await asked.Task.WaitAsync(TestTimeout);
        await SettleAsync();
        Assert.True(removed);
        Assert.True(TestChildren.TryReap(child.Pid));
        Assert.Equal(0, handler.ExitedCalls);
    }

    [Fact]
    public async Task Remove_RacesTheExit_IsTrueOrTheHandlerIsTold()
    {
        int removals = 0;
        for (int i = 0; i < 60; i++)
        {
            var handler = new RecordingHandler();
            SpawnedChild child = Watch(TestChildren.StartSleeping(), handler);
            TestChildren.Kill(child.Pid);
            // From "at once" to "long after": both outcomes, and what lies between.
            for (int spin = 0; spin < i * 400; spin++)
                Thread.SpinWait(10);
            if (Watcher.Remove(child.Pid))
            {
                removals++;
                Assert.True(TestChildren.TryReap(child.Pid));
                await SettleAsync();
                Assert.Equal(0, handler.ExitedCalls);
            }
            else
            {
                Assert.Equal(-9, (await handler.Exited).ReturnCode);
            }
        }
        Assert.InRange(removals, 1, 60);
    }

    [Fact]
    public async Task Handler_ThrowsWhenTold_GoesToTheLoopAndNoFurther()
    {
        var reported = new TaskCompletionSource<UnhandledExceptionContext>(TaskCreationOptions.RunContinuationsAsynchronously);
        Loop.UnhandledException += reported.SetResult;
        var bad = new RecordingHandler { WhenExited = static _ => throw new InvalidTimeZoneException("mine") };
        var good = new RecordingHandler();
        SpawnedChild child = Watch(TestChildren.StartExiting(1), bad);

        UnhandledExceptionContext context = await reported.Task.WaitAsync(TestTimeout);

        Assert.IsType<InvalidTimeZoneException>(context.Exception);
        Assert.Equal(child.Pid, context.ProcessId);
        Watch(TestChildren.StartExiting(2), good);
        Assert.Equal(2, (await good.Exited).ExitCode);
        Assert.Equal(1, bad.ExitedCalls);
    }

    [Fact]
    public async Task Handler_ThrowsBeforeTheReap_IsReportedAndTheChildReapedAndTold()
    {
        var reported = new TaskCompletionSource<UnhandledExceptionContext>(TaskCreationOptions.RunContinuationsAsynchronously);
        Loop.UnhandledException += reported.SetResult;
        var bad = new RecordingHandler { WhenExiting = static _ => throw new InvalidTimeZoneException("mine") };
        SpawnedChild child = Watch(TestChildren.StartExiting(5), bad);
        Assert.Equal(5, (await bad.Exited).ExitCode);
        Assert.Equal(child.Pid, (await reported.Task.WaitAsync(TestTimeout)).ProcessId);
    }
}
