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
