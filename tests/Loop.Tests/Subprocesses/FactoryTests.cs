using Microsoft.Extensions.Logging;

namespace UnixLoop.Loop.Tests.Subprocesses;

public sealed class FactoryTests : SubprocessTest
{
    private const string Stubborn = "trap '' TERM; echo ready; while :; do sleep 0.01; done";

    [Fact]
    public async Task StopAll_Cancelled_KillsAtOnceAndAwaitsTheReaps()
    {
        ISubprocess child = await StartAsync(PipedShell(Stubborn));
        await ExpectAsync(child.Output, "ready");
        using var cancel = new CancellationTokenSource();
        Task<IReadOnlyList<StoppedSubprocess>> stop = Factory.StopAllAsync(TimeSpan.FromDays(1), cancel.Token);
        await cancel.CancelAsync();
        Assert.True(Assert.Single(await stop.WaitAsync(TestTimeout)).Killed);
        Assert.Equal(-9, child.ExitStatus!.Value.ReturnCode);
        await DisposeAsync(child);
    }

    [Fact]
    public async Task StopAll_RunsUnderWay_EndWithTheirResults()
    {
        Task<SubprocessResult> run = RunAsync(Sleep());
        await Factory.StopAllAsync(TestTimeout).WaitAsync(TestTimeout);
        Assert.Equal(-15, (await run).Exit.ReturnCode);
    }

    /// <summary>A child whose start was still being logged was nobody's, and outlived us.</summary>
    [Fact]
    public async Task StopAll_LogBlocksAtAStart_KillsTheChild()
    {
        using BlockingLog log = new("SubprocessStarted");
        await using UnixEventLoop loop = new(new() { LoggerFactory = log });
        await loop.StartAsync().WaitAsync(TestTimeout);
        using PidfdChildWatcher watcher = new();
        watcher.Attach(loop);
        await using SubprocessFactory factory = new(loop, watcher);
        Task<ISubprocess> start = Task.Run(() => factory.StartAsync(Sleep()).AsTask());
        await log.Blocks.Task.WaitAsync(TestTimeout);

        IReadOnlyList<StoppedSubprocess> stopped = await factory.StopAllAsync(TimeSpan.Zero, new CancellationToken(canceled: true)).WaitAsync(TestTimeout);
        bool isKilled = stopped is [var only] && Eventually.TryWait(() => StateOf(only.Id) == 'Z', TestTimeout);

        log.Dispose();
        ISubprocess child = await start.WaitAsync(TestTimeout);
        if (!isKilled)
            child.Signal(UnixSignal.Kill);
        await ExitOf(child);
        await DisposeAsync(child);
        Assert.True(isKilled);
    }

    [Fact]
    public async Task StopAll_Afterwards_StartsNothing()
    {
        Assert.Empty(await Factory.StopAllAsync(TimeSpan.Zero));
        await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(new("/bin/true")));
        await Assert.ThrowsAsync<InvalidOperationException>(() => RunAsync(new("/bin/true")));
        Assert.Empty(await Factory.StopAllAsync(TimeSpan.Zero));
    }

    [Fact]
    public async Task Dispose_WithChildren_KillsAndReapsThem()
    {
        ISubprocess[] children = [await StartAsync(Sleep()), await StartAsync(Sleep()), await StartAsync(PipedShell("sleep 1000"))];
        await Factory.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        await Factory.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        Assert.All(children, child => Assert.Equal(-9, child.ExitStatus!.Value.ReturnCode));
    }

    [Fact]
    public async Task Dispose_OnTheLoop_KillsAndLeavesTheReapsToIt()
    {
        ISubprocess child = await StartAsync(PipedShell("sleep 1000"));
        Task<ChildExitStatus> exited = ExitOf(child);
        bool reapedMeanwhile = await Loop.InvokeAsync(() =>
        {
            Factory.Dispose();
            return exited.IsCompleted;
        }).WaitAsync(TestTimeout);
        Assert.False(reapedMeanwhile);
        Assert.Equal(-9, (await exited).ReturnCode);
        // Had it waited for what can't happen, it would say so.
        Assert.DoesNotContain(Log.GetSnapshot(), record => record.Id.Name == "SubprocessNotReaped");
    }

    [Fact]
    public async Task Dispose_LoopIsHeld_AwaitsTheReapsOnceHoweverOftenItIsCalled()
    {
        ISubprocess child = await StartAsync(Sleep());
        using ManualResetEventSlim isHeld = new(), hold = new();
        Loop.Post(() =>
        {
            isHeld.Set();
            hold.Wait(TestTimeout);
        });
        Assert.True(isHeld.Wait(TestTimeout)); // else the kill's exit may be in the same turn, and comes before the posts

        Assert.Null(Assert.Single(await Factory.StopAllAsync(TimeSpan.FromMinutes(1), new CancellationToken(canceled: true))).Status);
        Assert.True(Factory.DisposeAsync().AsTask().IsCompleted);
        Assert.True(Factory.DisposeAsync().AsTask().IsCompleted);

        hold.Set();
        Assert.Equal(-9, (await ExitOf(child)).ReturnCode);
        Assert.Single(Log.GetSnapshot(), record => record.Id.Name == "SubprocessNotReaped");
    }

    [Fact]
    public async Task Dispose_WhileChildrenAreStarted_LeavesNone()
    {
        Task[] starters = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (true)
            {
                try
                {
                    await Factory.StartAsync(Sleep());
                }
                catch (InvalidOperationException)
                {
                    return;
                }
            }
        }))];
        Eventually.True(() => Loop.GetStatistics().WatchedDescriptors > 10, "children are there");
        await Factory.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        await Task.WhenAll(starters).WaitAsync(TestTimeout);
    }

    /// <summary>Does not come back from one event until it is disposed.</summary>
    private sealed class BlockingLog(string eventName) : ILoggerFactory, ILogger
    {
        private readonly ManualResetEventSlim _goOn = new();

        internal TaskCompletionSource Blocks { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Name != eventName)
                return;
            Blocks.TrySetResult();
            _goOn.Wait(TestTimeout);
        }

        public void Dispose() => _goOn.Set();
    }
}
