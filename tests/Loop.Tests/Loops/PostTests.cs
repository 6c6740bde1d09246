using System.Diagnostics.Metrics;

namespace UnixLoop.Loop.Tests.Loops;

public sealed class PostTests : LoopTest
{
    [Fact]
    public async Task Post_FromAnotherThread_RunsOnTheLoopAndWakesASleepingSelector()
    {
        TaskCompletionSource ran = NewSignal();
        bool onLoop = false;
        Loop.Post(() => { onLoop = Loop.IsOnLoopThread; ran.SetResult(); });
        await ran.Task.WaitAsync(TestTimeout);
        Assert.True(onLoop);
        Assert.False(Loop.IsOnLoopThread);
    }

    [Fact]
    public async Task Post_FromTheLoop_RunsInTheOrderOfThePosts()
    {
        List<int> order = [];
        await Loop.InvokeAsync(() =>
        {
            Loop.Post(() => order.Add(2));
            Loop.Post(static list => list.Add(3), order);
            order.Add(1);
        }).WaitAsync(TestTimeout);
        await SettleAsync();
        Assert.Equal([1, 2, 3], order);
    }

    [Fact]
    public async Task Post_FromTheLoop_RunsInTheSameTurn()
    {
        long[] turns = new long[3];
        await Loop.InvokeAsync(() =>
        {
            turns[0] = Loop.GetStatistics().Turns;
            Loop.Post(() =>
            {
                turns[1] = Loop.GetStatistics().Turns;
                Loop.Post(() => turns[2] = Loop.GetStatistics().Turns);
            });
        }).WaitAsync(TestTimeout);
        await SettleAsync();
        Assert.Equal([turns[0], turns[0], turns[0]], turns);
    }

    [Fact]
    public async Task Post_FromAnotherThreadDuringATurn_RunsInTheNext()
    {
        long before = 0, after = 0;
        await Loop.InvokeAsync(() =>
        {
            before = Loop.GetStatistics().Turns;
            Thread poster = new(() => Loop.Post(() => after = Loop.GetStatistics().Turns));
            poster.Start();
            poster.Join();
        }).WaitAsync(TestTimeout);
        await SettleAsync();
        Assert.Equal(before + 1, after);
    }

    [Fact]
    public async Task Post_FromAMetersListenerBeforeTheWait_WakesTheLoop()
    {
        TaskCompletionSource ran = NewSignal();
        int posts = 0;
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter == Loop.Meter && instrument.Name == "unixloop.loop.delay")
                l.EnableMeasurementEvents(instrument);
        };
        // Recorded once the loop has announced its sleep; nothing else would wake it.
        listener.SetMeasurementEventCallback<double>((_, _, _, _) =>
        {
            if (Interlocked.Increment(ref posts) <= 100)
                Loop.Post(() => _ = posts == 100 && ran.TrySetResult());
        });
        listener.Start();
        Loop.Post(() => { });
        await ran.Task.WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Post_ActionsAndOthersInTurn_EachRunsWithItsOwnState()
    {
        // More than the queue's first length, so that places are used again by the other kind.
        const int count = 1000;
        List<int> order = [];
        await Loop.InvokeAsync(() =>
        {
            for (int i = 0; i < count; i++)
            {
                int mine = i;
                if (i % 3 == 0)
                    Loop.Post(() => order.Add(mine));
                else if (i % 3 == 1)
                    Loop.Post(static state => state.Order.Add(state.Mine), new State(order, mine));
                else
                    Loop.SynchronizationContext.Post(static state => ((State)state!).Order.Add(((State)state).Mine), new State(order, mine));
            }
        }).WaitAsync(TestTimeout);
        await SettleAsync();
        Assert.Equal(Enumerable.Range(0, count), order);
    }

    private sealed record State(List<int> Order, int Mine);

    [Fact]
    public async Task Post_FromManyThreads_LosesNothingAndKeepsEachThreadsOrder()
    {
        const int threads = 4, each = 50_000;
        int[] next = new int[threads];
        int disorder = 0;
        Thread[] posters = [.. Enumerable.Range(0, threads).Select(t => new Thread(() =>
        {
            for (int i = 0; i < each; i++)
            {
                int expected = i;
                Loop.Post(() => { if (next[t]++ != expected) disorder++; });
            }
        }))];
        foreach (Thread poster in posters)
            poster.Start();
        foreach (Thread poster in posters)
            Assert.True(poster.Join(TestTimeout));
        await SettleAsync();
        Assert.Equal(0, disorder);
        Assert.All(next, count => Assert.Equal(each, count));
    }

    [Fact]
    public async Task Post_OneAtATimeToASleepingLoop_WakesItEveryTime()
    {
        // The race of LoopWaker: a post that comes just as the loop goes to sleep.
        for (int i = 0; i < 5_000; i++)
            await Loop.InvokeAsync(static () => { }).WaitAsync(TestTimeout);
        Assert.True(Loop.GetStatistics().Posts >= 5_000);
    }

    [Fact]
    public async Task Post_WithoutEnd_StarvesNeitherTimersNorDescriptors()
    {
        bool stop = false;
        void Again()
        {
            if (!Volatile.Read(ref stop))
                Loop.Post(Again);
        }
        TaskCompletionSource timer = NewSignal(), readable = NewSignal();
        (Interop.UnixHandle read, Interop.UnixHandle write) = NewPipe();
        using (read)
        using (write)
        using (Loop.WatchReadable(read, () => readable.TrySetResult()))
        {
            Loop.Post(Again);
            using IDisposable scheduled = Loop.Schedule(TimeSpan.FromMilliseconds(1), () => timer.SetResult());
            Interop.Libc.Write(write.Descriptor, [1]);
            await Task.WhenAll(timer.Task, readable.Task).WaitAsync(TestTimeout);
            Volatile.Write(ref stop, true);
        }
    }

    [Fact]
    public void Post_Null_IsRefused()
    {
        Assert.Throws<ArgumentNullException>(() => Loop.Post(null!));
        Assert.Throws<ArgumentNullException>(() => Loop.Post(null!, "state"));
    }

    [Fact]
    public async Task Post_CallbackThrows_IsLoggedAndCountedAndTheLoopGoesOn()
    {
        Loop.Post(() => throw new InvalidTimeZoneException("boom"));
        await SettleAsync();
        Assert.Equal(1, Loop.GetStatistics().UnhandledExceptions);
        Assert.Contains(Log.GetSnapshot(), r => r.Id.Name == "UnhandledException" && r.Exception is InvalidTimeZoneException);
    }

    [Fact]
    public async Task UnhandledException_Subscriber_IsToldInsteadOfTheLog()
    {
        UnhandledExceptionContext? told = null;
        Loop.UnhandledException += context => told = context;
        var thrown = new InvalidTimeZoneException("boom");
        Loop.Post(() => throw thrown);
        await SettleAsync();
        Assert.Same(thrown, told?.Exception);
        Assert.Same(Loop, told?.Source);
        Assert.DoesNotContain(Log.GetSnapshot(), r => r.Id.Name == "UnhandledException");
    }

    [Fact]
    public async Task UnhandledException_SubscriberThrows_IsLoggedAndIgnored()
    {
        Loop.UnhandledException += _ => throw new NotSupportedException("handler");
        Loop.Post(() => throw new InvalidTimeZoneException("boom"));
        await SettleAsync();
        Assert.Contains(Log.GetSnapshot(), r => r.Id.Name == "UnhandledExceptionHandlerFailed" && r.Exception is NotSupportedException);
        Assert.True(Loop.IsRunning);
    }
}
