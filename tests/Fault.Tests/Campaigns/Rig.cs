using UnixLoop.Fault.Tests.Injection;

namespace UnixLoop.Fault.Tests.Campaigns;

/// <summary>One run of a scenario: the loop that it uses, and the checks that hold for every scenario at its end.</summary>
internal sealed class Rig(InjectedFault? fault)
{
    private static int s_runs;

    // One for each run, so that a loop that did not end is held against its own run alone.
    private readonly string _loopName = $"faulted-{Interlocked.Increment(ref s_runs)}";
    private readonly List<UnixEventLoop> _loops = [];
    private readonly List<Task> _tasks = [];
    private readonly List<string> _findings = [];

    /// <summary>What this run meets; null in a run that only counts.</summary>
    internal InjectedFault? Fault { get; } = fault;

    internal LogOfWarnings Log { get; } = new();

    /// <summary>What was wrong so far.</summary>
    internal IReadOnlyList<string> Findings
    {
        get
        {
            lock (_findings)
                return [.. _findings];
        }
    }

    /// <summary>Whether epoll_wait itself fails: the loop has to fault then, and nothing else may make it.</summary>
    internal bool LoopMayFault => Fault is { Function: "epoll_wait", Kind: FaultKind.Fail };

    internal UnixEventLoop CreateLoop()
    {
        var loop = new UnixEventLoop(new UnixEventLoopSettings { Name = _loopName, LoggerFactory = Log });
        loop.UnhandledException += context => Expect(false, $"no callback fails: {context.Message}: {context.Exception}");
        lock (_loops)
            _loops.Add(loop);
        return loop;
    }

    internal async Task<UnixEventLoop> StartLoopAsync()
    {
        UnixEventLoop loop = CreateLoop();
        await loop.StartAsync();
        return loop;
    }

    /// <summary>Notes a task that has to have ended, in whichever way, when the loop has.</summary>
    internal Task Track(Task task)
    {
        lock (_tasks)
            _tasks.Add(task);
        return task;
    }

    internal void Expect(bool holds, string expectation)
    {
        if (holds)
            return;
        lock (_findings)
            _findings.Add(expectation);
    }

    /// <summary>After the scenario has let go of everything: no registration, then no loop, then no task is left.</summary>
    internal async Task CloseAsync()
    {
        foreach (UnixEventLoop loop in _loops)
        {
            if (!Eventually.TryWait(() => loop.GetStatistics().WatchedDescriptors == 0, Campaign.Bound))
                Expect(false, $"no descriptor is registered at the end: {loop}");
            await loop.DisposeAsync().AsTask().WaitAsync(Campaign.Bound);
            Expect(loop.Completion.IsCompletedSuccessfully || LoopMayFault && loop.Completion.IsFaulted,
                $"the loop ends by its stop: {loop.Completion.Exception}");
        }
        foreach (Task task in _tasks)
        {
            await Task.WhenAny(task, TimeoutAsync());
            Expect(task.IsCompleted, "every task is completed");
        }
        Expect(Eventually.TryWait(() => !OwnThreads.Exist(_loopName), Campaign.Bound), "the loop's thread has ended");
    }

    // Not Task.Delay: nothing here waits for time to pass but for a task that never ends.
    private static Task TimeoutAsync() =>
        new TaskCompletionSource().Task.WaitAsync(Campaign.Bound).ContinueWith(static _ => { }, TaskScheduler.Default);
}
