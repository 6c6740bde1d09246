using System.Collections.Concurrent;
using System.Threading.Channels;

namespace UnixLoop.Loop.Tests.Signals;

public sealed class AsyncSignalHandlerTests : IDisposable
{
    private readonly FakeRegistrations _registrations = new();
    private readonly FakeLoop _loop;

    public AsyncSignalHandlerTests() => _loop = new FakeLoop(_registrations.Hub);

    public void Dispose() => _loop.Dispose();

    [Fact]
    public async Task Delivery_RunsOnThePoolWithoutAContext()
    {
        var ran = new TaskCompletionSource<(bool OnPool, SynchronizationContext? Context)>();
        _loop.Handlers.Add(UnixSignal.Usr1, _ =>
        {
            ran.SetResult((Thread.CurrentThread.IsThreadPoolThread, SynchronizationContext.Current));
            return ValueTask.CompletedTask;
        });
        _registrations.Raise(UnixSignal.Usr1);
        Assert.Equal((true, null), await ran.Task.WaitAsync(TestTimeout));
        Assert.Equal(0, _loop.PostCount); // a busy loop does not hold it up
    }

    [Fact]
    public async Task Delivery_DuringACall_IsToldByOneFurtherCall()
    {
        var calls = new Calls();
        _loop.Handlers.Add(UnixSignal.RealTime(1), calls.RunAsync);
        _registrations.Raise(UnixSignal.RealTime(1));
        await calls.NextAsync();
        for (int i = 0; i < 100; i++)
            _registrations.Raise(UnixSignal.RealTime(1));
        calls.LetGo();
        await calls.NextAsync();
        calls.LetGo();

        _registrations.Raise(UnixSignal.RealTime(1)); // idle again: a third
        await calls.NextAsync();
        calls.LetGo();
        Assert.Equal((3, 1), (calls.Begun, calls.MostAtOnce));
    }

    [Fact]
    public async Task Delivery_ManyThreadsAtOnce_OneCallAtATimeAndTheLastIsTold()
    {
        int raised = 0, seen = 0, running = 0, overlaps = 0;
        _loop.Handlers.Add(UnixSignal.Usr1, async _ =>
        {
            if (Interlocked.Increment(ref running) != 1)
                Interlocked.Increment(ref overlaps);
            Volatile.Write(ref seen, Volatile.Read(ref raised));
            await Task.Yield();
            Interlocked.Decrement(ref running);
        });
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (int i = 0; i < 5_000; i++)
            {
                Interlocked.Increment(ref raised);
                _registrations.Raise(UnixSignal.Usr1);
            }
        }))).WaitAsync(TestTimeout);

        Eventually.True(() => Volatile.Read(ref seen) == 20_000, "a call began after the last delivery");
        Assert.Equal(0, overlaps);
    }

    [Fact]
    public async Task TwoSignals_DoNotWaitForEachOther()
    {
        Calls first = new(), second = new();
        _loop.Handlers.Add(UnixSignal.Usr1, first.RunAsync);
        _loop.Handlers.Add(UnixSignal.Usr2, second.RunAsync);
        _registrations.Raise(UnixSignal.Usr1);
        await first.NextAsync();
        _registrations.Raise(UnixSignal.Usr2);
        await second.NextAsync();
        first.LetGo();
        second.LetGo();
    }

    [Theory]
    [InlineData("remove")]
    [InlineData("close")]
    [InlineData("replace")]
    public async Task Token_HandlerGoes_IsCancelled(string how)
    {
        var cancelled = new TaskCompletionSource();
        var begun = new TaskCompletionSource();
        _loop.Handlers.Add(UnixSignal.Usr1, async token =>
        {
            begun.SetResult();
            try
            {
                await new TaskCompletionSource().Task.WaitAsync(token);
            }
            catch (OperationCanceledException)
            {
                cancelled.SetResult();
                throw;
            }
        });
        _registrations.Raise(UnixSignal.Usr1);
        await begun.Task.WaitAsync(TestTimeout);
        Assert.False(cancelled.Task.IsCompleted);

        if (how == "remove")
            Assert.True(_loop.Handlers.Remove(UnixSignal.Usr1));
        else if (how == "close")
            _loop.Handlers.CloseAll();
        else
            _loop.Handlers.Add(UnixSignal.Usr1, () => { });
        await cancelled.Task.WaitAsync(TestTimeout);
        Assert.Empty(_loop.Reports); // the cancellation it was asked for is no failure
    }

    [Fact]
    public async Task Replace_DuringACall_TellsWhatIsDueToTheSuccessorWithoutOverlap()
    {
        Calls first = new(), second = new();
        _loop.Handlers.Add(UnixSignal.Usr1, first.RunAsync);
        _registrations.Raise(UnixSignal.Usr1);
        await first.NextAsync();
        _registrations.Raise(UnixSignal.Usr1);
        _loop.Handlers.Add(UnixSignal.Usr1, second.RunAsync);
        Assert.Equal(0, second.Begun); // the first still runs
        first.LetGo();
        await second.NextAsync();
        second.LetGo();
        Assert.Equal(1, first.Begun);
    }

    [Fact]
    public async Task Replace_ByAPlainHandlerDuringACall_TellsWhatIsDueOnTheLoop()
    {
        var calls = new Calls();
        int plain = 0;
        _loop.Handlers.Add(UnixSignal.Usr1, calls.RunAsync);
        _registrations.Raise(UnixSignal.Usr1);
        await calls.NextAsync();
        _registrations.Raise(UnixSignal.Usr1);
        _loop.Handlers.Add(UnixSignal.Usr1, () => plain++);
        calls.LetGo();
        Eventually.True(() => _loop.PostCount == 1, "the due delivery is queued");
        _loop.Turn();
        Assert.Equal(1, plain);
    }

    [Fact]
    public async Task Replace_APlainHandlerWithADeliveryQueued_TellsItToTheSuccessor()
    {
        var calls = new Calls();
        _loop.Handlers.Add(UnixSignal.Usr1, () => Assert.Fail("replaced"));
        _registrations.Raise(UnixSignal.Usr1);
        _loop.Handlers.Add(UnixSignal.Usr1, calls.RunAsync);
        _loop.Turn();
        await calls.NextAsync();
        calls.LetGo();
    }

    [Fact]
    public async Task RemoveAndAdd_WhileTheOldCallRuns_WaitsForIt()
    {
        Calls first = new(), second = new();
        _loop.Handlers.Add(UnixSignal.Usr1, first.RunAsync);
        _registrations.Raise(UnixSignal.Usr1);
        await first.NextAsync();
        _registrations.Raise(UnixSignal.Usr1); // due to the removed handler: forgotten
        _loop.Handlers.Remove(UnixSignal.Usr1);
        _loop.Handlers.Add(UnixSignal.Usr1, second.RunAsync);
        _registrations.Raise(UnixSignal.Usr1);
        Assert.Equal(0, second.Begun);
        first.LetGo();
        await second.NextAsync();
        second.LetGo();
        Assert.Equal((1, 1), (first.Begun, second.Begun));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Call_Throws_IsReportedOnTheLoopAndTheNextOneRuns(bool beforeItsFirstAwait)
    {
        var calls = new SemaphoreSlim(0);
        _loop.Handlers.Add(UnixSignal.Usr1, token =>
        {
            calls.Release();
            return beforeItsFirstAwait ? throw new InvalidOperationException("boom") : ThrowLaterAsync();
        });
        for (int i = 1; i <= 2; i++)
        {
            _registrations.Raise(UnixSignal.Usr1);
            Assert.True(await calls.WaitAsync(TestTimeout));
            Eventually.True(() => _loop.PostCount == 1, "the report is posted");
            Assert.Equal(i - 1, _loop.Reports.Count);
            _loop.Turn();
            Assert.Equal(i, _loop.Reports.Count);
        }
        Assert.All(_loop.Reports, report => Assert.Equal("boom", report.Exception.Message));

        static async ValueTask ThrowLaterAsync()
        {
            await Task.Yield();
            throw new InvalidOperationException("boom");
        }
    }

    [Fact]
    public async Task Call_ThrowsAfterTheLoopHasStopped_IsReportedAllTheSame()
    {
        var calls = new Calls { Failure = new InvalidOperationException("late") };
        _loop.Handlers.Add(UnixSignal.Usr1, calls.RunAsync);
        _registrations.Raise(UnixSignal.Usr1);
        await calls.NextAsync();
        _loop.HasStopped = true;
        _loop.Handlers.CloseAll();
        calls.LetGo();
        Eventually.True(() => !_loop.Reports.IsEmpty, "reported");
        Assert.Equal("late", _loop.Reports.Single().Exception.Message);
    }

    [Fact]
    public async Task Call_CancelsItself_IsReported()
    {
        var calls = new Calls { Failure = new OperationCanceledException("own") };
        _loop.Handlers.Add(UnixSignal.Usr1, calls.RunAsync);
        _registrations.Raise(UnixSignal.Usr1);
        await calls.NextAsync();
        calls.LetGo();
        Eventually.True(() => _loop.PostCount == 1, "reported");
    }

    [Fact]
    public async Task Token_CallbackThrows_IsReportedAndRemoveReturns()
    {
        var begun = new TaskCompletionSource();
        var end = new TaskCompletionSource();
        _loop.Handlers.Add(UnixSignal.Usr1, async token =>
        {
            token.Register(() => throw new InvalidOperationException("in the token"));
            begun.SetResult();
            await end.Task;
        });
        _registrations.Raise(UnixSignal.Usr1);
        await begun.Task.WaitAsync(TestTimeout);
        Assert.True(_loop.Handlers.Remove(UnixSignal.Usr1));
        Eventually.True(() => _loop.PostCount == 1, "reported");
        end.SetResult();
    }

    /// <summary>A handler whose calls the test lets go one by one.</summary>
    private sealed class Calls
    {
        private readonly Channel<bool> _begun = Channel.CreateUnbounded<bool>();
        private readonly Channel<bool> _go = Channel.CreateUnbounded<bool>();
        private readonly ConcurrentBag<int> _atOnce = [];
        private int _running;
        private int _count;

        internal Exception? Failure { get; init; }

        internal int Begun => Volatile.Read(ref _count);

        internal int MostAtOnce => _atOnce.Max();

        internal async Task NextAsync() => await _begun.Reader.ReadAsync().AsTask().WaitAsync(TestTimeout);

        internal void LetGo() => Assert.True(_go.Writer.TryWrite(true));

        internal async ValueTask RunAsync(CancellationToken token)
        {
            _atOnce.Add(Interlocked.Increment(ref _running));
            Interlocked.Increment(ref _count);
            Assert.True(_begun.Writer.TryWrite(true));
            await _go.Reader.ReadAsync(CancellationToken.None).AsTask().WaitAsync(TestTimeout, CancellationToken.None);
            Interlocked.Decrement(ref _running);
            if (Failure is { } failure)
                throw failure;
        }
    }
}
