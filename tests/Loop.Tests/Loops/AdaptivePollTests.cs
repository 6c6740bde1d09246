using UnixLoop.Selector;

namespace UnixLoop.Loop.Tests.Loops;

public sealed class AdaptivePollTests
{
    private static readonly TimeSpan Window = TimeSpan.FromMicroseconds(50);

    private readonly AdaptivePoll _poll = new(Window);

    [Fact]
    public void For_OffOrOneProcessor_IsNone()
    {
        Assert.Null(AdaptivePoll.For(TimeSpan.Zero, processors: 8));
        Assert.Null(AdaptivePoll.For(Window, processors: 1));
        Assert.NotNull(AdaptivePoll.For(Window, processors: 2));
    }

    [Fact]
    public void ShouldPoll_AfterALongWait_IsFalse()
    {
        Assert.False(_poll.ShouldPoll());
        _poll.Waited(_poll.Window);
        Assert.True(_poll.ShouldPoll());
        _poll.Waited(100 * _poll.Window);
        Assert.False(_poll.ShouldPoll());
    }

    [Fact]
    public void ShouldPoll_PollsThatPay_GoOn()
    {
        for (int i = 0; i < 100; i++)
        {
            _poll.Waited(_poll.Window);
            Assert.True(_poll.ShouldPoll());
            _poll.Polled(paid: true);
        }
    }

    [Fact]
    public void ShouldPoll_PollsInVain_BecomeRare()
    {
        // Traffic that always comes just after the window: thousands of waits, a handful of polls.
        int polls = 0;
        for (int i = 0; i < 10_000; i++)
        {
            _poll.Waited(2 * _poll.Window);
            if (!_poll.ShouldPoll())
                continue;
            polls++;
            _poll.Polled(paid: false);
        }
        Assert.InRange(polls, 10, 25);

        // One that pays ends the doubt.
        while (!_poll.ShouldPoll())
            _poll.Waited(_poll.Window);
        _poll.Polled(paid: true);
        Assert.True(_poll.ShouldPoll());
    }
}

/// <summary>What holds for every loop holds for one that polls.</summary>
public sealed class PollingLoopTests : LoopTest
{
    protected override UnixEventLoopSettings Settings => new() { LoggerFactory = Loggers, PollBeforeBlocking = TimeSpan.FromMilliseconds(1) };

    [Fact]
    public async Task Post_WhileTheLoopPolls_IsNeverLost()
    {
        // Each post comes as the loop goes from polling to its sleep, or somewhere about it.
        for (int i = 0; i < 20_000; i++)
            await Loop.InvokeAsync(() => { }).WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Schedule_OnAPollingLoop_Fires()
    {
        for (int i = 0; i < 50; i++)
        {
            TaskCompletionSource fired = NewSignal();
            using IDisposable timer = Loop.Schedule(TimeSpan.FromMilliseconds(1), fired.SetResult);
            await fired.Task.WaitAsync(TestTimeout);
        }
    }

    [Fact]
    public async Task Stop_WhileTheLoopPolls_Ends()
    {
        for (int i = 0; i < 200; i++)
        {
            await using var loop = new UnixEventLoop(new UnixEventLoopSettings { PollBeforeBlocking = TimeSpan.FromMilliseconds(1) });
            await loop.StartAsync().WaitAsync(TestTimeout);
            await loop.InvokeAsync(() => { }).WaitAsync(TestTimeout);
            await loop.StopAsync().WaitAsync(TestTimeout);
        }
    }
}
