using System.Diagnostics;

namespace UnixLoop.Loop.Tests.Loops;

public sealed class TimerTests : LoopTest
{
    [Fact]
    public async Task Schedule_Delay_FiresOnTheLoopAndNotEarly()
    {
        TaskCompletionSource<bool> fired = new(TaskCreationOptions.RunContinuationsAsynchronously);
        long start = Stopwatch.GetTimestamp();
        using IDisposable timer = Loop.Schedule(TimeSpan.FromMilliseconds(30), () => fired.SetResult(Loop.IsOnLoopThread));
        Assert.True(await fired.Task.WaitAsync(TestTimeout));
        Assert.True(Stopwatch.GetElapsedTime(start) >= TimeSpan.FromMilliseconds(30));
    }

    [Fact]
    public async Task Schedule_TinyDelay_DoesNotSpinTheSelector()
    {
        await SettleAsync();
        long turns = Loop.GetStatistics().Turns;
        TaskCompletionSource fired = NewSignal();
        using IDisposable timer = Loop.Schedule(TimeSpan.FromMicroseconds(1), () => fired.SetResult());
        await fired.Task.WaitAsync(TestTimeout);
        Assert.InRange(Loop.GetStatistics().Turns - turns, 1, 8);
    }

    [Fact]
    public async Task Schedule_SameDeadline_FiresInTheOrderOfTheCalls()
    {
        List<int> order = [];
        await Loop.InvokeAsync(() =>
        {
            for (int i = 0; i < 100; i++)
            {
                int n = i;
                _ = Loop.Schedule(TimeSpan.Zero, () => order.Add(n));
            }
        }).WaitAsync(TestTimeout);
        Eventually.True(() => Loop.GetStatistics().Timers == 0, "all timers fired");
        await SettleAsync();
        Assert.Equal(Enumerable.Range(0, 100), order);
    }

    [Fact]
    public async Task Dispose_OnTheLoopBeforeItsTurn_NeverFires()
    {
        bool fired = false;
        await Loop.InvokeAsync(() =>
        {
            IDisposable second = null!;
            _ = Loop.Schedule(TimeSpan.Zero, () => second.Dispose());
            second = Loop.Schedule(TimeSpan.Zero, () => fired = true);
        }).WaitAsync(TestTimeout);
        Eventually.True(() => Loop.GetStatistics().Timers == 0, "both timers are gone");
        await SettleAsync();
        Assert.False(fired);
    }

    [Fact]
    public async Task Dispose_ManyLongTimers_LeavesNoneInTheHeap()
    {
        for (int i = 0; i < 10_000; i++)
            Loop.Schedule(TimeSpan.FromHours(1 + i % 7), () => { }).Dispose();
        await SettleAsync();
        Assert.Equal(0, Loop.GetStatistics().Timers);
    }

    [Fact]
    public void Schedule_Negative_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>("delay", () => Loop.Schedule(TimeSpan.FromTicks(-1), () => { }));

    [Fact]
    public async Task Schedule_VeryLong_IsAccepted()
    {
        using IDisposable timer = Loop.Schedule(TimeSpan.MaxValue, () => { });
        await SettleAsync();
        Assert.Equal(1, Loop.GetStatistics().Timers);
    }

    [Fact]
    public void TimeProvider_LongerThanAnyClockTakes_IsRefusedBeforeItCouldOutliveTheLoop()
    {
        TimeSpan tooLong = TimeSpan.FromDays(100);
        Assert.Throws<ArgumentOutOfRangeException>("dueTime", () => Loop.TimeProvider.CreateTimer(_ => { }, null, tooLong, Timeout.InfiniteTimeSpan));
        Assert.Throws<ArgumentOutOfRangeException>("period", () => Loop.TimeProvider.CreateTimer(_ => { }, null, TimeSpan.Zero, tooLong));
    }

    [Fact]
    public async Task Schedule_CallbackThrows_IsReportedAndTheNextFires()
    {
        TaskCompletionSource fired = NewSignal();
        _ = Loop.Schedule(TimeSpan.Zero, static () => throw new InvalidTimeZoneException());
        _ = Loop.Schedule(TimeSpan.Zero, () => fired.SetResult());
        await fired.Task.WaitAsync(TestTimeout);
        Assert.Equal(1, Loop.GetStatistics().UnhandledExceptions);
    }

    [Fact]
    public async Task TimeProvider_PeriodicTimer_TicksOnTheLoopUntilDisposed()
    {
        int ticks = 0;
        bool offLoop = false;
        await using (ITimer timer = Loop.TimeProvider.CreateTimer(
            _ => { offLoop |= !Loop.IsOnLoopThread; Interlocked.Increment(ref ticks); }, null, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(1)))
        {
            Eventually.True(() => Volatile.Read(ref ticks) >= 5, "five ticks");
        }
        await SettleAsync();
        int after = Volatile.Read(ref ticks);
        Assert.Equal(0, Loop.GetStatistics().Timers);
        Assert.Equal(after, Volatile.Read(ref ticks));
        Assert.False(offLoop);
    }

    [Fact]
    public async Task TimeProvider_TaskDelayPendingAtTheStop_StillEnds()
    {
        Task delay = Task.Delay(TimeSpan.FromMilliseconds(200), Loop.TimeProvider);
        await SettleAsync();
        await Loop.StopAsync().WaitAsync(TestTimeout);
        await delay.WaitAsync(TestTimeout);
        await Task.Delay(TimeSpan.FromMilliseconds(1), Loop.TimeProvider).WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Change_FromManyThreadsAtOnce_EndsInOneConsistentState()
    {
        int ticks = 0;
        await using ITimer timer = Loop.TimeProvider.CreateTimer(_ => Interlocked.Increment(ref ticks), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(t => Task.Run(() =>
        {
            for (int i = 0; i < 2_000; i++)
                timer.Change(TimeSpan.FromMilliseconds(i % 3), i % 2 == 0 ? TimeSpan.FromMilliseconds(1) : Timeout.InfiniteTimeSpan);
        }))).WaitAsync(TestTimeout);
        timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        await SettleAsync();
        Assert.Equal(0, Loop.GetStatistics().Timers);
        int before = Volatile.Read(ref ticks);
        timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        Eventually.True(() => Volatile.Read(ref ticks) == before + 1, "one more tick");
    }
}
