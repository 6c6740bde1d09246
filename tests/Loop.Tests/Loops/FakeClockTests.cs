using Microsoft.Extensions.Time.Testing;

namespace UnixLoop.Loop.Tests.Loops;

public sealed class FakeClockTests : LoopTest
{
    private readonly FakeTimeProvider _clock = new();

    protected override UnixEventLoopSettings Settings => new() { TimeProvider = _clock };

    [Fact]
    public async Task Advance_ToTheDeadline_WakesTheLoopAndFires()
    {
        TaskCompletionSource fired = NewSignal();
        using IDisposable timer = Loop.Schedule(TimeSpan.FromHours(1), () => fired.SetResult());
        await SettleAsync();
        _clock.Advance(TimeSpan.FromMinutes(59));
        await SettleAsync();
        Assert.False(fired.Task.IsCompleted);
        _clock.Advance(TimeSpan.FromMinutes(1));
        await fired.Task.WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Schedule_PendingAtTheStop_IsDropped()
    {
        bool fired = false;
        _ = Loop.Schedule(TimeSpan.FromHours(1), () => fired = true);
        await Loop.StopAsync().WaitAsync(TestTimeout);
        _clock.Advance(TimeSpan.FromHours(2));
        Assert.False(fired);
        Assert.Equal(0, Loop.GetStatistics().Timers);
    }

    [Fact]
    public async Task Advance_RacingTheArming_NeverLosesATimer()
    {
        // Forces the race of DeadlineAlarm: the clock moves between reading it and arming the alarm.
        for (int i = 0; i < 2_000; i++)
        {
            TaskCompletionSource fired = NewSignal();
            using IDisposable timer = Loop.Schedule(TimeSpan.FromSeconds(1), () => fired.SetResult());
            _clock.Advance(TimeSpan.FromSeconds(1));
            await fired.Task.WaitAsync(TestTimeout);
        }
    }

    [Fact]
    public async Task TimeProvider_OfTheLoop_ReadsTheFakeClock()
    {
        DateTimeOffset before = Loop.TimeProvider.GetUtcNow();
        _clock.Advance(TimeSpan.FromDays(1));
        Assert.Equal(before + TimeSpan.FromDays(1), Loop.TimeProvider.GetUtcNow());
        Assert.Equal(_clock.TimestampFrequency, Loop.TimeProvider.TimestampFrequency);
        Task delay = Task.Delay(TimeSpan.FromSeconds(5), Loop.TimeProvider);
        await SettleAsync();
        _clock.Advance(TimeSpan.FromSeconds(5));
        await delay.WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Idle_WithATimerArmed_DoesNotTurn()
    {
        using IDisposable timer = Loop.Schedule(TimeSpan.FromMilliseconds(1), () => { });
        await SettleAsync();
        long turns = Loop.GetStatistics().Turns;
        using var elapsed = new ManualResetEventSlim();
        elapsed.Wait(TimeSpan.FromMilliseconds(50)); // real time passes, the fake clock stands
        Assert.InRange(Loop.GetStatistics().Turns - turns, 0, 2);
    }
}
