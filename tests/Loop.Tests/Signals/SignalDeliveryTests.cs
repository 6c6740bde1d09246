using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using UnixLoop.Signals;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Loop.Tests.Signals;

/// <summary>Real signals, sent to this process, through real loops.</summary>
public sealed class SignalDeliveryTests : IAsyncLifetime
{
    private readonly LeakCheck _leaks = new();
    private readonly List<UnixEventLoop> _loops = [];
    private readonly ConcurrentQueue<UnhandledExceptionContext> _failures = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (UnixEventLoop loop in _loops)
            await loop.DisposeAsync();
        Assert.All(Enumerable.Range(1, 64), number => Assert.False(SignalHub.Shared.IsInstalled(new UnixSignal(number))));
        Assert.Empty(_failures);
        _leaks.Dispose();
    }

    private async Task<UnixEventLoop> StartLoopAsync()
    {
        var loop = new UnixEventLoop();
        _loops.Add(loop);
        loop.UnhandledException += _failures.Enqueue;
        await loop.StartAsync();
        return loop;
    }

    private static void Raise(UnixSignal signal) => TestLibc.Kill(Environment.ProcessId, signal.Number);

    [Fact]
    public async Task Handler_LoopSleepsInThePoller_RunsOnTheLoopsThread()
    {
        UnixEventLoop loop = await StartLoopAsync();
        var told = new TaskCompletionSource<bool>();
        loop.AddSignalHandler(UnixSignal.Alrm, () => told.SetResult(loop.IsOnLoopThread));
        Raise(UnixSignal.Alrm);
        Assert.True(await told.Task.WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task Handler_StopsItsLoop_Works()
    {
        UnixEventLoop loop = await StartLoopAsync();
        loop.AddSignalHandler(UnixSignal.Usr1, () => _ = loop.StopAsync());
        Raise(UnixSignal.Usr1);
        await loop.Completion.WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Handler_WithState_GetsIt()
    {
        UnixEventLoop loop = await StartLoopAsync();
        var told = new TaskCompletionSource<string>();
        loop.AddSignalHandler(UnixSignal.Usr1, told.SetResult, "bound");
        Raise(UnixSignal.Usr1);
        Assert.Equal("bound", await told.Task.WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task Handler_AddedBeforeTheStart_IsToldAfterIt()
    {
        var loop = new UnixEventLoop();
        _loops.Add(loop);
        var told = new TaskCompletionSource();
        loop.AddSignalHandler(UnixSignal.Usr1, told.SetResult);
        Raise(UnixSignal.Usr1);
        await loop.StartAsync();
        await told.Task.WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task AsyncHandler_AwaitsTheLoop_Works()
    {
        UnixEventLoop loop = await StartLoopAsync();
        var told = new TaskCompletionSource<(bool, bool)>();
        loop.AddSignalHandler(UnixSignal.Usr1, async token =>
        {
            bool began = loop.IsOnLoopThread;
            told.SetResult((began, await loop.InvokeAsync(() => loop.IsOnLoopThread, token)));
        });
        Raise(UnixSignal.Usr1);
        Assert.Equal((false, true), await told.Task.WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task Handler_Throws_GoesToUnhandledException()
    {
        UnixEventLoop loop = await StartLoopAsync();
        var told = new TaskCompletionSource<(UnhandledExceptionContext Context, bool OnLoop)>();
        loop.UnhandledException -= _failures.Enqueue;
        loop.UnhandledException += context => told.SetResult((context, loop.IsOnLoopThread));
        loop.AddSignalHandler(UnixSignal.Usr1, () => throw new InvalidOperationException("boom"));
        Raise(UnixSignal.Usr1);
        (UnhandledExceptionContext context, bool onLoop) = await told.Task.WaitAsync(TestTimeout);
        Assert.Equal("boom", context.Exception.Message);
        Assert.Contains("SIGUSR1", context.Message, StringComparison.Ordinal);
        Assert.Same(loop, context.Source);
        Assert.True(onLoop);
    }

    [Fact]
    public async Task Handler_LoopStopsBeforeItEverStarted_IsNotToldElsewhere()
    {
        var loop = new UnixEventLoop();
        using var heard = new CountdownEvent(1);
        using PosixSignalRegistration witness = PosixSignalRegistration.Create((PosixSignal)UnixSignal.Usr1.Number, context =>
        {
            context.Cancel = true;
            heard.Signal();
        });
        int calls = 0;
        loop.AddSignalHandler(UnixSignal.Usr1, () => Interlocked.Increment(ref calls));
        Raise(UnixSignal.Usr1);
        Assert.True(heard.Wait(TestTimeout));
        Eventually.True(() => loop.GetStatistics().QueueDepth == 1, "the delivery waits for the loop");
        await loop.StopAsync().WaitAsync(TestTimeout);
        await Task.Run(() => { }).WaitAsync(TestTimeout); // anything that went to the pool has had its turn
        Assert.Equal(0, calls);
    }

    [Fact]
    public async Task Handler_HoldsTheLoopInDebugMode_IsNamedByItsSignal()
    {
        using var logs = new FakeLoggerProvider();
        using var loggerFactory = new LoggerFactory([logs]);
        var loop = new UnixEventLoop(new UnixEventLoopSettings { LoggerFactory = loggerFactory, Debug = true, SlowCallbackThreshold = TimeSpan.FromMilliseconds(1) });
        _loops.Add(loop);
        await loop.StartAsync();
        using var slow = new ManualResetEventSlim();
        loop.AddSignalHandler(UnixSignal.Usr1, () => slow.Wait(20));
        Raise(UnixSignal.Usr1);
        Eventually.True(() => logs.Collector.GetSnapshot().Any(record => record.Id.Name == "SlowCallback"
            && record.Message.Contains("handler of SIGUSR1", StringComparison.Ordinal)), "the log names the handler");
    }

    // INT, QUIT and TERM end the test runner as well: tests/Process.Tests.
    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(12)]
    [InlineData(14)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(18)]
    [InlineData(20)]
    [InlineData(21)]
    [InlineData(22)]
    [InlineData(23)]
    [InlineData(24)]
    [InlineData(25)]
    [InlineData(26)]
    [InlineData(27)]
    [InlineData(28)]
    [InlineData(29)]
    [InlineData(30)]
    [InlineData(31)]
    public async Task Handler_EveryOtherStandardSignal_Arrives(int number)
    {
        UnixEventLoop loop = await StartLoopAsync();
        var signal = new UnixSignal(number);
        var told = new TaskCompletionSource();
        loop.AddSignalHandler(signal, () => told.TrySetResult());
        Raise(signal);
        await told.Task.WaitAsync(TestTimeout);
        Assert.True(loop.RemoveSignalHandler(signal));
        Assert.False(loop.RemoveSignalHandler(signal));
    }

    [Fact]
    public async Task Handler_EveryRealTimeSignal_Arrives()
    {
        UnixEventLoop loop = await StartLoopAsync();
        var told = new ConcurrentDictionary<int, int>();
        int count = UnixSignal.RtMax.Number - UnixSignal.RtMin.Number;
        for (int offset = 1; offset <= count; offset++)
            loop.AddSignalHandler(UnixSignal.RealTime(offset), offset => told.AddOrUpdate(offset, 1, (_, n) => n + 1), offset);
        for (int offset = 1; offset <= count; offset++)
            Raise(UnixSignal.RealTime(offset));
        Eventually.True(() => told.Count == count, $"all of {count} arrive");
        Assert.All(told.Values, n => Assert.Equal(1, n));
    }

    [Fact]
    public async Task Handler_RealTimeSignalsWhileTheLoopIsBusy_AreAllTold()
    {
        const int Count = 500;
        UnixEventLoop loop = await StartLoopAsync();
        using var busy = new ManualResetEventSlim();
        int told = 0;
        loop.AddSignalHandler(UnixSignal.RtMax, () => Volatile.Write(ref told, told + 1));
        loop.Post(() => busy.Wait(TestTimeout));
        for (int i = 0; i < Count; i++)
            Raise(UnixSignal.RtMax);
        busy.Set();
        Eventually.True(() => Volatile.Read(ref told) == Count, $"{Count} calls");
    }

    [Fact]
    public async Task Handler_SecondSignal_IsToldAgain()
    {
        UnixEventLoop loop = await StartLoopAsync();
        int calls = 0;
        loop.AddSignalHandler(UnixSignal.Usr1, () => Volatile.Write(ref calls, calls + 1));
        for (int i = 1; i <= 5; i++)
        {
            Raise(UnixSignal.Usr1);
            Eventually.True(() => Volatile.Read(ref calls) == i, $"call {i}");
        }
    }

    [Fact]
    public async Task Handler_AddRemoveAdd_WorksAgain()
    {
        UnixEventLoop loop = await StartLoopAsync();
        for (int i = 0; i < 5; i++)
        {
            var told = new TaskCompletionSource();
            loop.AddSignalHandler(UnixSignal.Usr1, told.SetResult);
            Raise(UnixSignal.Usr1);
            await told.Task.WaitAsync(TestTimeout);
            Assert.True(loop.RemoveSignalHandler(UnixSignal.Usr1));
        }
    }

    [Fact]
    public async Task Handler_AfterGarbageCollections_IsStillTold()
    {
        UnixEventLoop loop = await StartLoopAsync();
        var told = new TaskCompletionSource();
        loop.AddSignalHandler(UnixSignal.Usr1, told.SetResult);
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Raise(UnixSignal.Usr1);
        await told.Task.WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task TwoLoops_BothAreToldAndOneGoingLeavesTheOther()
    {
        UnixEventLoop first = await StartLoopAsync(), second = await StartLoopAsync();
        int firstCalls = 0, secondCalls = 0;
        first.AddSignalHandler(UnixSignal.Usr1, () => Volatile.Write(ref firstCalls, firstCalls + 1));
        second.AddSignalHandler(UnixSignal.Usr1, () => Volatile.Write(ref secondCalls, secondCalls + 1));
        Raise(UnixSignal.Usr1);
        Eventually.True(() => Volatile.Read(ref firstCalls) == 1 && Volatile.Read(ref secondCalls) == 1, "both are told");

        await first.StopAsync().WaitAsync(TestTimeout);
        Raise(UnixSignal.Usr1); // not its default, which would end this process
        Eventually.True(() => Volatile.Read(ref secondCalls) == 2, "the other is told");
        Assert.Equal(1, firstCalls);
    }

    [Fact]
    public async Task ManyLoops_OneAfterTheOther_EachGetsItsOwn()
    {
        for (int i = 0; i < 10; i++)
        {
            UnixEventLoop loop = await StartLoopAsync();
            var told = new TaskCompletionSource();
            loop.AddSignalHandler(UnixSignal.Usr1, told.SetResult);
            Raise(UnixSignal.Usr1);
            await told.Task.WaitAsync(TestTimeout);
            await loop.StopAsync().WaitAsync(TestTimeout);
        }
    }

    [Fact]
    public async Task ManyLoops_AtOnce_AllAreTold()
    {
        UnixEventLoop[] loops = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => StartLoopAsync()));
        var told = new CountdownEvent(loops.Length);
        foreach (UnixEventLoop loop in loops)
            loop.AddSignalHandler(UnixSignal.Usr1, () => told.Signal());
        Raise(UnixSignal.Usr1);
        Assert.True(told.Wait(TestTimeout));
    }

    [Fact]
    public async Task AnotherRegistrationOfTheProcess_IsToldToo()
    {
        UnixEventLoop loop = await StartLoopAsync();
        TaskCompletionSource ours = new(), theirs = new();
        using PosixSignalRegistration other = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            theirs.TrySetResult();
        });
        loop.AddSignalHandler(UnixSignal.Hup, () => ours.TrySetResult());
        Raise(UnixSignal.Hup);
        await Task.WhenAll(ours.Task, theirs.Task).WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task StoppedLoop_AddThrowsAndRemoveIsQuiet()
    {
        UnixEventLoop loop = await StartLoopAsync();
        loop.AddSignalHandler(UnixSignal.Usr1, () => { });
        await loop.StopAsync().WaitAsync(TestTimeout);
        Assert.Throws<ObjectDisposedException>(() => loop.AddSignalHandler(UnixSignal.Usr1, () => { }));
        Assert.Throws<ObjectDisposedException>(() => loop.AddSignalHandler(UnixSignal.Usr1, _ => ValueTask.CompletedTask));
        Assert.Throws<ObjectDisposedException>(() => loop.AddSignalHandler(UnixSignal.Usr1, _ => { }, "state"));
        Assert.False(loop.RemoveSignalHandler(UnixSignal.Usr1));
    }

    [Fact]
    public async Task UnhandledSignal_BelongsToSomebodyElse_IsIgnored()
    {
        UnixEventLoop loop = await StartLoopAsync();
        loop.AddSignalHandler(UnixSignal.Usr1, () => Assert.Fail("another signal"));
        var theirs = new TaskCompletionSource();
        using PosixSignalRegistration other = PosixSignalRegistration.Create((PosixSignal)UnixSignal.Usr2.Number, context =>
        {
            context.Cancel = true;
            theirs.TrySetResult();
        });
        Raise(UnixSignal.Usr2);
        await theirs.Task.WaitAsync(TestTimeout);
        await loop.InvokeAsync(() => { }).WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Storm_WhileHandlersComeAndGoOnSeveralThreads_KeepsTheTableRight()
    {
        const int RaisedEach = 1_000;
        UnixEventLoop keeper = await StartLoopAsync(), changing = await StartLoopAsync();
        var signals = new[] { UnixSignal.Usr1, UnixSignal.Usr2, UnixSignal.RealTime(4) };
        long kept = 0, keptRealTime = 0;
        foreach (UnixSignal signal in signals)
            keeper.AddSignalHandler(signal, () => Interlocked.Increment(ref kept)); // so that the default never comes back
        keeper.AddSignalHandler(signals[^1], () => Interlocked.Increment(ref keptRealTime));

        using var end = new CancellationTokenSource();
        Task[] changes = [.. Enumerable.Range(0, 3).Select(thread => Task.Run(() =>
        {
            for (int i = thread; !end.IsCancellationRequested; i++)
            {
                UnixSignal signal = signals[i % signals.Length];
                if (i % 4 == 0)
                    changing.AddSignalHandler(signal, async _ => await Task.Yield());
                else if (i % 4 == 2)
                    changing.RemoveSignalHandler(signal);
                else
                    changing.AddSignalHandler(signal, () => { });
            }
        }))];
        Task storm = Task.Run(() =>
        {
            for (int i = 0; i < signals.Length * RaisedEach; i++)
                Raise(signals[i % signals.Length]);
            end.Cancel();
        });
        await Task.WhenAll([storm, .. changes]).WaitAsync(TestTimeout);
        // kill(2) has only queued them: the kernel holds them for a thread that may have no core by now, and one that comes when the handlers have gone ends the process.
        Eventually.True(() => Interlocked.Read(ref keptRealTime) == RaisedEach && !HasPendingSignals(), "all signals are taken");

        keeper.AddSignalHandler(signals[^1], () => Interlocked.Increment(ref kept));
        foreach (UnixSignal signal in signals)
        {
            long before = Interlocked.Read(ref kept);
            var told = new TaskCompletionSource();
            changing.AddSignalHandler(signal, () => told.TrySetResult());
            Raise(signal);
            await told.Task.WaitAsync(TestTimeout);
            Eventually.True(() => Interlocked.Read(ref kept) > before, "the other loop still gets its own");
            Assert.True(changing.RemoveSignalHandler(signal));
        }
    }

    /// <summary>proc_pid_status(5): those sent to the process, and taken by none of its threads.</summary>
    private static bool HasPendingSignals() =>
        File.ReadLines("/proc/self/status").Any(static line => line.StartsWith("ShdPnd:", StringComparison.Ordinal) && line.AsSpan("ShdPnd:\t".Length).ContainsAnyExcept('0'));
}
