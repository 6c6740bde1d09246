using System.Collections;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using UnixLoop.Interop;
using UnixLoop.Subprocesses;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Loop.Tests.Subprocesses;

/// <summary>What may happen between the spawn and the registration, forced.</summary>
public sealed class StartRaceTests : SubprocessTest
{
    private readonly HookedWatcher _hooks = new(new PidfdChildWatcher());
    private int _pid;

    protected override IChildWatcher CreateWatcher() => _hooks;

    [Fact]
    public async Task Start_OnTheLoop_SpawnsOnAnotherThread()
    {
        UnixEventLoop? spawnedOn = Loop;
        _hooks.BeforeSpawn = () => spawnedOn = UnixEventLoop.Current;
        bool cameBack = await Loop.InvokeAsync(async () =>
        {
            await using ISubprocess child = await Factory.StartAsync(new("/bin/true"));
            await child.WaitForExitAsync();
            return Loop.IsOnLoopThread;
        }).WaitAsync(TestTimeout);
        Assert.Null(spawnedOn);
        Assert.True(cameBack);
        Assert.Equal(1, _hooks.ScopesLeft);
    }

    [Theory]
    [InlineData("input")]
    [InlineData("output")]
    [InlineData("error")]
    public async Task Start_ConsumerOfAStreamThrows_LeavesNoChild(string where)
    {
        using var active = new MetricCollector<long>(Loop.Meter, "unixloop.children.active");
        SubprocessServices services = new(Loop, Watcher);
        RunStreams pipes = new(Stdio.Pipe, Stdio.Pipe, Stdio.Pipe);
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => new SubprocessLauncher(services)
            .LaunchAsync(Sleep(), pipes, new ThrowingConsumer(services, where), CancellationToken.None).AsTask().WaitAsync(TestTimeout));
        Assert.Equal(where, error.Message);
        Assert.Equal(0, active.GetMeasurementSnapshot().EvaluateAsCounter());
    }

    [Fact]
    public async Task Pipeline_CancelledBetweenTwoMembers_LeavesNoChild()
    {
        using var cancellation = new CancellationTokenSource();
        _hooks.BeforeAdd = pid => _pid = pid;
        // Asked how many there are once the first one runs, it cancels.
        var programs = new Watched(3, Sleep(), () =>
        {
            if (_pid != 0)
                cancellation.Cancel();
        });
        SubprocessServices services = new(Loop, Watcher);
        IChildConsumer[] consumers = [new ThrowingConsumer(services, "nowhere"), new ThrowingConsumer(services, "nowhere"), new ThrowingConsumer(services, "nowhere")];
        await Assert.ThrowsAsync<OperationCanceledException>(() => PipelineLauncher
            .LaunchAsync(new SubprocessLauncher(services), programs, consumers, new RunStreams(Stdio.Null, Stdio.Pipe, Stdio.Pipe), "sleep | sleep | sleep", cancellation.Token)
            .WaitAsync(TestTimeout, CancellationToken.None));
        Assert.NotEqual(0, _pid);
        Assert.Null(StateOf(_pid));
    }

    [Fact]
    public async Task Run_ArgumentsChangedOnceTheChildRuns_TellsWhatWasStarted()
    {
        SubprocessStartInfo info = Shell("exit 3");
        _hooks.BeforeAdd = _ => info.Arguments.Add("added");
        SubprocessFailedException error = Assert.Throws<SubprocessFailedException>((await RunAsync(info)).EnsureSuccess);
        Assert.DoesNotContain("added", error.Message, StringComparison.Ordinal);
        Assert.Contains("exit 3", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pipeline_ArgumentsChangedOnceOneRuns_FailsWithWhatWasToBeStarted()
    {
        SubprocessStartInfo first = Sleep();
        _hooks.BeforeAdd = _ => first.Arguments.Add("added");
        SubprocessStartException error = await Assert.ThrowsAsync<SubprocessStartException>(() => Factory
            .RunAsync(new SubprocessPipeline(first, new("/no/such/program"))).WaitAsync(TestTimeout));
        Assert.DoesNotContain("added", error.Message, StringComparison.Ordinal);
        Assert.Contains("sleep 1000 | /no/such/program", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_OnTheLoopWithoutItsContext_NeverContinuesOnTheLaunchThread()
    {
        using var spawning = new SemaphoreSlim(0);
        _hooks.BeforeSpawn = () => Assert.True(spawning.Wait(TestTimeout));
        bool onPool = await Loop.InvokeAsync(async () =>
        {
            ValueTask<ISubprocess> start = Factory.StartAsync(new("/bin/true"));
            Assert.False(start.IsCompleted);
            Loop.Post(() => spawning.Release());
            await using ISubprocess child = await start.ConfigureAwait(false);
            return Thread.CurrentThread.IsThreadPoolThread;
        }).WaitAsync(TestTimeout);
        Assert.True(onPool);
    }

    [Fact]
    public async Task Start_FromTheLoopWhileAnotherSpawnIsSlow_DoesNotWaitForIt()
    {
        using var slow = new SemaphoreSlim(0);
        int spawns = 0;
        _hooks.BeforeSpawn = () =>
        {
            if (Interlocked.Increment(ref spawns) == 1)
                Assert.True(slow.Wait(TestTimeout));
        };
        await Loop.InvokeAsync(async () =>
        {
            Task<ISubprocess> first = Factory.StartAsync(new("/bin/true")).AsTask();
            await Task.Run(() => Eventually.True(() => spawns == 1, "the first spawn begins"));
            // Those that come before the first one counts as slow wait behind it; sooner or later one does not.
            List<Task<ISubprocess>> others = [];
            do
            {
                others.Add(Factory.StartAsync(new("/bin/true")).AsTask());
                await Task.Run(() => Eventually.TryWait(() => others[^1].IsCompleted, TimeSpan.FromMilliseconds(100)));
            }
            while (!others[^1].IsCompleted);
            Assert.False(first.IsCompleted);
            slow.Release();
            foreach (Task<ISubprocess> start in (Task<ISubprocess>[])[first, .. others])
                await (await start).DisposeAsync();
        }).WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Exit_BetweenSpawnAndAdd_IsTold()
    {
        _hooks.BeforeAdd = WaitUntilDead;
        await using ISubprocess child = await StartAsync(PipedShell("echo out; exit 6"));
        Assert.Equal(6, (await ExitOf(child)).ExitCode);
        Assert.Equal("out\n", await ReadToEndAsync(child.Output));
        SubprocessResult result = await RunAsync(Shell("echo out; exit 6"));
        Assert.Equal(("out\n", 6), (result.Output, result.Exit.ExitCode));
    }

    [Fact]
    public async Task Cancel_BeforeTheStart_StartsNothing()
    {
        _hooks.BeforeSpawn = () => Assert.Fail("nothing may be spawned");
        var cancelled = new CancellationToken(canceled: true);
        Assert.Equal(cancelled, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => StartAsync(Sleep(), cancelled))).CancellationToken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunAsync(Sleep(), cancellationToken: cancelled));
    }

    [Fact]
    public async Task Cancel_DuringTheHop_StartsNothing()
    {
        // On a slow machine a start may go to the pool instead of waiting behind the other: once more, then.
        for (int attempt = 0; attempt < 100; attempt++)
        {
            using var cancel = new CancellationTokenSource();
            using var busy = new SemaphoreSlim(0);
            int spawns = 0;
            bool wentElsewhere = false;
            _hooks.BeforeSpawn = () =>
            {
                if (!LaunchThread.IsCurrent)
                    Volatile.Write(ref wentElsewhere, true);
                if (Interlocked.Increment(ref spawns) == 1)
                    Assert.True(busy.Wait(TestTimeout));
            };
            Exception? end = await Loop.InvokeAsync(async () =>
            {
                ValueTask<ISubprocess> first = Factory.StartAsync(new("/bin/true"));
                ValueTask<ISubprocess> second = Factory.StartAsync(Sleep(), cancel.Token);
                await cancel.CancelAsync();
                busy.Release();
                Exception? end = await Record.ExceptionAsync(async () => await (await second).DisposeAsync());
                await (await first).DisposeAsync();
                return end;
            }).WaitAsync(TestTimeout);
            if (Volatile.Read(ref wentElsewhere))
                continue;
            Assert.IsAssignableFrom<OperationCanceledException>(end);
            Assert.Equal(1, spawns);
            return;
        }
        Assert.Fail("no start waited behind another");
    }

    [Fact]
    public async Task Cancel_AfterTheSpawn_KillsReapsAndThrows()
    {
        using var cancel = new CancellationTokenSource();
        _hooks.BeforeAdd = pid =>
        {
            _pid = pid;
            cancel.Cancel();
        };
        OperationCanceledException error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => StartAsync(PipedShell("sleep 1000"), cancel.Token));
        Assert.Equal(cancel.Token, error.CancellationToken);
        Assert.Null(StateOf(_pid));
        Assert.Equal(0, Loop.GetStatistics().WatchedDescriptors);
    }

    [Fact]
    public async Task Cancel_AfterTheSpawnOfARun_KillsReapsAndThrows()
    {
        using var cancel = new CancellationTokenSource();
        _hooks.BeforeAdd = pid =>
        {
            _pid = pid;
            cancel.Cancel();
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunAsync(Sleep(), cancellationToken: cancel.Token));
        Assert.Null(StateOf(_pid));
    }

    [Fact]
    public async Task Add_WatcherHasGoneMeanwhile_ReapsTheChildAndThrows()
    {
        _hooks.BeforeAdd = pid =>
        {
            _pid = pid;
            _hooks.Dispose();
        };
        await Assert.ThrowsAnyAsync<InvalidOperationException>(() => StartAsync(PipedShell("sleep 1000")));
        Assert.Null(StateOf(_pid));
        Assert.Equal(0, Loop.GetStatistics().WatchedDescriptors);
    }

    [Fact]
    public async Task Add_LoopHasEndedMeanwhile_ReapsTheChildAndThrows()
    {
        _hooks.BeforeAdd = pid =>
        {
            _pid = pid;
            Loop.Dispose();
        };
        await Assert.ThrowsAnyAsync<InvalidOperationException>(() => RunAsync(Sleep()));
        Assert.Null(StateOf(_pid));
    }

    [Fact]
    public async Task Pipes_LoopHasEndedBeforeTheirRegistration_ReapsTheChildAndThrows()
    {
        _hooks.BeforeSpawn = Loop.Dispose;
        await Assert.ThrowsAnyAsync<InvalidOperationException>(() => StartAsync(PipedShell("sleep 1000")));
    }

    [Fact]
    public async Task Stop_OfTheFactoryMeanwhile_KillsTheChildAndRefusesTheStart()
    {
        _hooks.BeforeSpawn = () => Factory.DisposeAsync().AsTask().Wait(TestTimeout);
        _hooks.BeforeAdd = pid => _pid = pid;
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(Sleep()));
        Assert.Contains("has been stopped", error.Message, StringComparison.Ordinal);
        Assert.Null(StateOf(_pid));
    }

    private static void WaitUntilDead(int pid) => Eventually.True(() => StateOf(pid) == 'Z', "the child is dead");

    private sealed class Watched(int count, SubprocessStartInfo each, Action onCount) : IReadOnlyList<SubprocessStartInfo>
    {
        public int Count
        {
            get
            {
                onCount();
                return count;
            }
        }

        public SubprocessStartInfo this[int index] => each;

        public IEnumerator<SubprocessStartInfo> GetEnumerator() => Enumerable.Repeat(each, count).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }

    private sealed class ThrowingConsumer(SubprocessServices services, string where) : IChildConsumer
    {
        public IReadSink OpenOutput(bool isError) =>
            where == (isError ? "error" : "output") ? throw new InvalidOperationException(where) : new CaptureSink(1024);

        public IPump OpenInput(UnixHandle writeEnd, ChildProcess child) =>
            where == "input" ? throw new InvalidOperationException(where) : InputFeed.Open(services, SubprocessInput.FromText("x"), writeEnd, child);

        public void OnExited(ChildProcess child)
        {
        }

        public void OnOutputEnded(ChildProcess child)
        {
        }
    }
}
