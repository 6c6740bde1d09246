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
    private readonly List<Func<Task>> _endings = [];
    private readonly List<string> _findings = [];

    /// <summary>What this run meets; null in a run that only counts.</summary>
    internal InjectedFault? Fault { get; } = fault;

    internal EventLog Log { get; } = new();

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

    /// <summary>Whether the fault kills the children: they may then end early, and their output with them.</summary>
    internal bool ChildMayDie => Fault is { Kind: FaultKind.ChildDies or FaultKind.ChildStolen };

    /// <summary>Whether a signal to a child is refused: the child then lives on.</summary>
    internal bool SignalsMayBeForbidden => Fault is { Function: "kill" or "pidfd_send_signal", Kind: FaultKind.Fail };

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
    internal T Track<T>(T task) where T : Task
    {
        lock (_tasks)
            _tasks.Add(task);
        return task;
    }

    /// <summary>Runs <paramref name="ending"/> when the scenario is over, before the loops are looked at; the last added first.</summary>
    internal void AtEnd(Func<Task> ending) => _endings.Insert(0, ending);

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
        foreach (Func<Task> ending in _endings)
            await ending().WaitAsync(Campaign.Bound);
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
        string left = "";
        Expect(Eventually.TryWait(() => (left = OwnThreads.Running(_loopName)).Length == 0, Campaign.Bound), $"every thread has ended: {left}");
    }

    // Not Task.Delay: nothing here waits for time to pass but for a task that never ends.
    private static Task TimeoutAsync() =>
        new TaskCompletionSource().Task.WaitAsync(Campaign.Bound).ContinueWith(static _ => { }, TaskScheduler.Default);
}
