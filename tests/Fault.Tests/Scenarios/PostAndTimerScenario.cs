using UnixLoop.Fault.Tests.Campaigns;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>Two threads post to a loop that sleeps and wakes again and again, and timers of both kinds fire: what was accepted runs once.</summary>
internal sealed class PostAndTimerScenario : Scenario
{
    private const int Rounds = 8;

    private int _accepted;
    private int _ran;

    internal override string Name => "post and timer";

    internal override async Task RunAsync(Rig rig)
    {
        _accepted = _ran = 0;
        UnixEventLoop loop = rig.CreateLoop();
        loop.Post(Run);
        _accepted++;
        await loop.StartAsync();

        Task[] posters = [rig.Track(Task.Run(() => PostAsync(rig, loop))), rig.Track(Task.Run(() => PostAsync(rig, loop)))];
        try
        {
            await Task.WhenAll(posters);
            await RunTimersAsync(rig, loop);
        }
        finally
        {
            await loop.StopAsync();
            CheckAccounts(rig);
        }
    }

    /// <summary>Awaits each of its posts, so that the loop goes to sleep in between.</summary>
    private async Task PostAsync(Rig rig, UnixEventLoop loop)
    {
        for (int i = 0; i < Rounds; i++)
        {
            loop.Post(Run);
            Interlocked.Increment(ref _accepted);
            Task invocation = rig.Track(loop.InvokeAsync(Run));
            Interlocked.Increment(ref _accepted);
            await invocation;
        }
    }

    private static async Task RunTimersAsync(Rig rig, UnixEventLoop loop)
    {
        int cancelledFired = 0;
        var scheduled = new TaskCompletionSource();
        var periodic = new TaskCompletionSource();
        int ticks = 0;
        using IDisposable timer = loop.Schedule(TimeSpan.FromMilliseconds(1), scheduled.SetResult);
        using IDisposable cancelled = loop.Schedule(TimeSpan.FromMilliseconds(1), () => cancelledFired++);
        cancelled.Dispose();
        // Goes on after the loop, so that it needs no look at Completion.
        await using ITimer provided = loop.TimeProvider.CreateTimer(
            _ =>
            {
                if (Interlocked.Increment(ref ticks) == 3)
                    periodic.SetResult();
            },
            null, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(1));
        await periodic.Task;
        await Task.WhenAny(scheduled.Task, loop.Completion);
        rig.Expect(scheduled.Task.IsCompletedSuccessfully || rig.LoopMayFault, "a scheduled timer fires");
        rig.Expect(cancelledFired <= 1, "a timer fires once at most");
    }

    private void Run() => Interlocked.Increment(ref _ran);

    private void CheckAccounts(Rig rig)
    {
        bool isReported = rig.LoopMayFault && (rig.Log.Has("PostsDropped") || rig.Log.Has("LoopFaulted"));
        rig.Expect(_ran == _accepted || _ran < _accepted && isReported, $"what was accepted runs once, or its loss is reported: {_accepted} accepted, {_ran} ran");
    }
}
