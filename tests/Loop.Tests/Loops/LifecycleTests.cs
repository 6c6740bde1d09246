using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace UnixLoop.Loop.Tests.Loops;

public sealed class LifecycleTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Fact]
    public async Task StartAsync_Twice_IsHarmless()
    {
        await using var loop = new UnixEventLoop();
        await Task.WhenAll(loop.StartAsync(), loop.StartAsync()).WaitAsync(TestTimeout);
        await loop.StartAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task StartAsync_AfterTheStop_IsRefused()
    {
        var loop = new UnixEventLoop();
        await loop.StartAsync().WaitAsync(TestTimeout);
        await loop.StopAsync().WaitAsync(TestTimeout);
        Assert.Throws<ObjectDisposedException>(() => { _ = loop.StartAsync(); });
    }

    [Fact]
    public async Task Post_BeforeTheStart_RunsAtTheStartInOrder()
    {
        await using var loop = new UnixEventLoop();
        List<int> order = [];
        loop.Post(() => order.Add(1));
        Task<int> invoked = loop.InvokeAsync(() => { order.Add(2); return order.Count; });
        TaskCompletionSource fired = LoopTest.NewSignal();
        using IDisposable timer = loop.Schedule(TimeSpan.FromMilliseconds(1), () => fired.SetResult());
        Assert.Empty(order);
        await loop.StartAsync().WaitAsync(TestTimeout);
        Assert.Equal(2, await invoked.WaitAsync(TestTimeout));
        await fired.Task.WaitAsync(TestTimeout);
        Assert.Equal([1, 2], order);
    }

    [Fact]
    public async Task StopAsync_WithPostsBefore_RunsThemAll()
    {
        var loop = new UnixEventLoop();
        await loop.StartAsync().WaitAsync(TestTimeout);
        using var blocked = new ManualResetEventSlim();
        loop.Post(blocked.Wait);
        int ran = 0;
        for (int i = 0; i < 10_000; i++)
            loop.Post(() => ran++);
        Task stopped = loop.StopAsync();
        Assert.False(stopped.IsCompleted);
        blocked.Set();
        await stopped.WaitAsync(TestTimeout);
        Assert.Equal(10_000, ran);
        Assert.True(loop.Completion.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task StopAsync_RacingPosts_RunsEveryPostThatWasAccepted()
    {
        for (int round = 0; round < 200; round++)
        {
            var loop = new UnixEventLoop();
            await loop.StartAsync().WaitAsync(TestTimeout);
            int ran = 0, accepted = 0;
            using var go = new ManualResetEventSlim();
            var poster = new Thread(() =>
            {
                go.Wait();
                try
                {
                    for (; ; )
                    {
                        loop.Post(() => ran++);
                        accepted++;
                    }
                }
                catch (ObjectDisposedException)
                {
                    // The stop came between two posts.
                }
            });
            poster.Start();
            go.Set();
            await loop.StopAsync().WaitAsync(TestTimeout);
            Assert.True(poster.Join(TestTimeout));
            Assert.Equal(accepted, ran);
        }
    }

    [Fact]
    public async Task StopAsync_FromManyThreadsAndTwice_EndsOnceForAll()
    {
        var loop = new UnixEventLoop();
        await loop.StartAsync().WaitAsync(TestTimeout);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => loop.StopAsync()))).WaitAsync(TestTimeout);
        await loop.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        loop.Dispose();
    }

    [Fact]
    public async Task StopAsync_AwaitedOnTheLoop_ContinuesOnTheThreadPool()
    {
        var loop = new UnixEventLoop();
        await loop.StartAsync().WaitAsync(TestTimeout);
        Assert.True(await loop.InvokeAsync(async () =>
        {
            await loop.StopAsync();
            return Thread.CurrentThread.IsThreadPoolThread;
        }).WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task Dispose_OnTheLoop_DoesNotWaitForItself()
    {
        var loop = new UnixEventLoop();
        await loop.StartAsync().WaitAsync(TestTimeout);
        await loop.InvokeAsync(loop.Dispose).WaitAsync(TestTimeout);
        await loop.Completion.WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Dispose_NeverStarted_ReleasesEverythingAndTellsWhoWaits()
    {
        var loop = new UnixEventLoop();
        Task invoked = loop.InvokeAsync(() => { });
        loop.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => invoked.WaitAsync(TestTimeout));
        Assert.True(loop.Completion.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task StopAsync_Canceled_EndsTheWaitAndNotTheStop()
    {
        var loop = new UnixEventLoop();
        await loop.StartAsync().WaitAsync(TestTimeout);
        using var blocked = new ManualResetEventSlim();
        loop.Post(blocked.Wait);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => loop.StopAsync(new CancellationToken(true)).WaitAsync(TestTimeout));
        blocked.Set();
        await loop.Completion.WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Members_AfterTheStop_ThrowObjectDisposed()
    {
        var loop = new UnixEventLoop(new UnixEventLoopSettings { Name = "ended" });
        await loop.StartAsync().WaitAsync(TestTimeout);
        await loop.StopAsync().WaitAsync(TestTimeout);
        (Interop.UnixHandle read, Interop.UnixHandle write) = LoopTest.NewPipe();
        using (read)
        using (write)
        {
            Assert.Contains("'ended'", Assert.Throws<ObjectDisposedException>(() => loop.Post(() => { })).Message, StringComparison.Ordinal);
            Assert.Throws<ObjectDisposedException>(() => loop.Post(static _ => { }, "state"));
            Assert.Throws<ObjectDisposedException>(() => { _ = loop.InvokeAsync(() => { }); });
            Assert.Throws<ObjectDisposedException>(() => { _ = loop.InvokeAsync(async () => await Task.Yield()); });
            Assert.Throws<ObjectDisposedException>(() => loop.Schedule(TimeSpan.Zero, () => { }));
            Assert.Throws<ObjectDisposedException>(() => loop.WatchReadable(read, () => { }));
            Assert.Throws<ObjectDisposedException>(() => loop.WatchWritable(write, () => { }));
            Assert.Throws<ObjectDisposedException>(() => loop.AddSignalHandler(new UnixSignal(10), () => { }));
        }
        Assert.Equal("UnixEventLoop 'ended' (stopped, 0 descriptors, 0 timers, 0 queued)", loop.ToString());
    }

    [Fact]
    public void Constructor_BadSettings_NamesThem()
    {
        Assert.Throws<ArgumentException>("Name", () => new UnixEventLoop(new UnixEventLoopSettings { Name = " " }));
        Assert.Throws<ArgumentOutOfRangeException>("SlowCallbackThreshold", () => new UnixEventLoop(new UnixEventLoopSettings { SlowCallbackThreshold = TimeSpan.Zero }));
        foreach (double milliseconds in (double[])[-0.001, 1.001])
            Assert.Throws<ArgumentOutOfRangeException>("PollBeforeBlocking", () => new UnixEventLoop(new UnixEventLoopSettings { PollBeforeBlocking = TimeSpan.FromMilliseconds(milliseconds) }));
        foreach (double milliseconds in (double[])[-2, -0.001, int.MaxValue + 1.0])
            Assert.Throws<ArgumentOutOfRangeException>("DisposeTimeout", () => new UnixEventLoop(new UnixEventLoopSettings { DisposeTimeout = TimeSpan.FromMilliseconds(milliseconds) }));
        new UnixEventLoop(new UnixEventLoopSettings { DisposeTimeout = TimeSpan.FromMilliseconds(int.MaxValue) }).Dispose();
        using var loop = new UnixEventLoop();
        Assert.Throws<ArgumentException>("TimeProvider", () => new UnixEventLoop(new UnixEventLoopSettings { TimeProvider = loop.TimeProvider }));
    }

    [Fact]
    public async Task Debug_SlowCallback_IsNamedInTheLog()
    {
        var log = new FakeLogCollector();
        using var loggers = LoggerFactory.Create(b => b.AddProvider(new FakeLoggerProvider(log)));
        await using var loop = new UnixEventLoop(new UnixEventLoopSettings { LoggerFactory = loggers, Debug = true, SlowCallbackThreshold = TimeSpan.FromTicks(1) });
        await loop.StartAsync().WaitAsync(TestTimeout);
        loop.Post(SlowOne);
        await loop.InvokeAsync(() => { }).WaitAsync(TestTimeout);
        Assert.Contains(log.GetSnapshot(), r => r.Id.Name == "SlowCallback" && r.Message.Contains(nameof(SlowOne), StringComparison.Ordinal));
    }

    private static void SlowOne() => Thread.SpinWait(10_000);
}
