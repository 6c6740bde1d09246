using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace UnixLoop.Hosting.Supervision;

// All that happens to a process, commands, ends, timers, stands in one queue, and one task at a time takes it from there and asks the
// core what to do: no locks, and the order of the queue is the order of the events. What is stale (a timer or a child of before) is
// known by its identity. Fields without volatile belong to that task.
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "A run is disposed at its end, which always comes; a timer when its state is left.")]
internal sealed class SupervisedProcess
{
    private const int MaxExits = 10;

    private readonly SupervisionContext _context;
    private readonly SupervisionCore _core;
    private readonly ILogger _output;
    private readonly Channel<Step> _inbox = Channel.CreateUnbounded<Step>(new UnboundedChannelOptions { SingleReader = true });
    private readonly List<TaskCompletionSource<SupervisedProcessStatus>> _waiters = [];
    private readonly Queue<SupervisedProcessExit> _exits = new();
    private volatile SupervisedRun? _run;
    private volatile SupervisedProcessStatus _status;
    private ITimer? _timer;
    private int _starts;
    private int _restarts;
    private bool _isRestart;

    internal SupervisedProcess(string name, SupervisedProcessOptions options, SupervisionContext context)
    {
        Name = name;
        _context = context;
        _core = new SupervisionCore(options, context.Clock, context.Random);
        _output = new ForgivingLogger(context.LoggerFactory.CreateLogger(SupervisionLog.OutputCategory(name)));
        _status = new SupervisedProcessStatus(name);
        // Without the context of whoever adds it: its log scopes and its activity are not this process's.
        ThreadPool.UnsafeQueueUserWorkItem(static process => _ = process.FollowAsync(), this, preferLocal: false);
    }

    internal string Name { get; }

    internal SupervisedProcessStatus Status => _status;

    /// <summary>Ends when nothing is under way any more.</summary>
    internal Task<SupervisedProcessStatus> CommandAsync(SupervisionTrigger command)
    {
        var settled = new TaskCompletionSource<SupervisedProcessStatus>(TaskCreationOptions.RunContinuationsAsynchronously);
        return _inbox.Writer.TryWrite(new Step(() => Fire(command), settled)) ? settled.Task : Task.FromResult(_status);
    }

    /// <summary>Other options: what runs, or has ended by itself, is started anew with them; what was stopped stays so.</summary>
    /// <param name="options">The new ones.</param>
    /// <param name="isBack">It was on its way out, and is as good as new.</param>
    internal void Reconfigure(SupervisedProcessOptions options, bool isBack) => Enqueue(() =>
    {
        bool wasAutomatic = _core.Options.AutoStart;
        bool isStopped = _core.State is SupervisedProcessState.Stopped or SupervisedProcessState.Stopping;
        _core.Options = options;
        if (wasAutomatic && !options.AutoStart)
            Fire(SupervisionTrigger.Stop);
        else if (!isStopped)
            Fire(SupervisionTrigger.Restart);
        else if (options.AutoStart && (isBack || !wasAutomatic))
            Fire(SupervisionTrigger.Start);
    });

    /// <summary>Nothing more comes: it has ended, or is given up.</summary>
    internal void Close() => _inbox.Writer.TryComplete();

    /// <summary>The host's time is over, and it has not come to its end.</summary>
    internal void TellLeft()
    {
        if (_run is { HasChildEnded: true } run)
            SupervisionLog.OutputUnlogged(_context.Ending, Name, run.ProcessId!.Value);
        else
            SupervisionLog.NotReaped(_context.Ending, Name, _status.ProcessId);
    }

    internal bool Signal(UnixSignal signal) => _run is { } run && run.Signal(signal);

    internal void OnSpawned(SupervisedRun run) => Enqueue(() =>
    {
        _starts++;
        _restarts += _isRestart ? 1 : 0;
        _context.Metrics.Started(Name, _isRestart);
        SupervisionLog.ProcessStarted(_context.Logger, Name, run.ProcessId!.Value, run.FileName);
        Fire(run.NeedsToShowReadiness ? SupervisionTrigger.Spawned : SupervisionTrigger.SpawnedReady);
    });

    internal void OnReady(SupervisedRun run) => Enqueue(() =>
    {
        if (run == _run)
            Fire(SupervisionTrigger.BecameReady);
    });

    internal void OnEnded(SupervisedRun run, RunEnd end) => Enqueue(() =>
    {
        _run = null;
        run.Dispose();
        Record(end);
        Fire(_core.Judge(end.IsSuccess));
    });

    private void Record(RunEnd end)
    {
        if (end.IsCancelled)
            return;
        if (end.Status is { } status)
            SupervisionLog.ProcessEnded(_context.Logger, Name, end.ProcessId!.Value, status, status.RunTime, status.ResourceUsage?.TotalTime);
        if (end.Error is { } error)
            SupervisionLog.ProcessNotStarted(_context.Logger, Name, error.Message);
        _exits.Enqueue(new SupervisedProcessExit { Time = _context.Clock.GetUtcNow(), ProcessId = end.ProcessId, Status = end.Status, Error = end.Error?.Message });
        if (_exits.Count > MaxExits)
            _exits.Dequeue();
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A supervision that has failed is told, and the host does not go on without it.")]
    private async Task FollowAsync()
    {
        try
        {
            await foreach (Step step in _inbox.Reader.ReadAllAsync().ConfigureAwait(false))
            {
                AddWaiter(step);
                step.Take();
                Settle();
            }
        }
        catch (Exception e)
        {
            Close();
            SupervisionLog.SupervisionFailed(_context.Logger, Name, e);
            _context.Observer.StopHost();
        }

        // What stands behind a step that failed is not taken any more.
        while (_inbox.Reader.TryRead(out Step left))
            AddWaiter(left);
        foreach (TaskCompletionSource<SupervisedProcessStatus> waiter in _waiters)
            waiter.TrySetResult(_status);
    }

    private void Enqueue(Action step) => _inbox.Writer.TryWrite(new Step(step, null));

    private void AddWaiter(in Step step)
    {
        if (step.Settled is { } waiter)
            _waiters.Add(waiter);
    }

    private void Settle()
    {
        if (_core.State is SupervisedProcessState.Starting or SupervisedProcessState.Unready
            or SupervisedProcessState.Stopping or SupervisedProcessState.Restarting or SupervisedProcessState.Failing)
            return;
        foreach (TaskCompletionSource<SupervisedProcessStatus> waiter in _waiters)
            waiter.SetResult(_status);
        _waiters.Clear();
        if (_core.State == SupervisedProcessState.Stopped && _context.Observer.TryForget(this))
            Close();
    }

    private void Fire(SupervisionTrigger trigger)
    {
        SupervisedProcessState previous = _core.State;
        SupervisionAction action = _core.Handle(trigger);
        if (previous != _core.State)
            ClearTimer();
        switch (action)
        {
            case SupervisionAction.Spawn:
                _isRestart = trigger == SupervisionTrigger.DelayOver;
                _run = new SupervisedRun(_context, _core.Options, this, _output);
                _run.Start();
                break;
            case SupervisionAction.StopChild:
                _run!.Stop();
                break;
            case SupervisionAction.AwaitReady:
                SetTimer(_core.Options.ReadyTimeout, SupervisionTrigger.ReadyTimeout);
                _run!.WatchSocket();
                break;
            case SupervisionAction.Delay:
                SetTimer(_core.Delay, SupervisionTrigger.DelayOver);
                break;
        }

        Publish(previous);
    }

    private void SetTimer(TimeSpan delay, SupervisionTrigger trigger)
    {
        ITimer? timer = null;
        timer = _context.Clock.CreateTimer(_ => Enqueue(() =>
        {
            // One that fired before it was disposed may come when its state has been left.
            if (timer is not null && timer == _timer)
                Fire(trigger);
        }), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer = timer;
        timer.Change(delay, Timeout.InfiniteTimeSpan);
    }

    private void ClearTimer()
    {
        _timer?.Dispose();
        _timer = null;
    }

    /// <summary>One thing that happens, and who waits until nothing is under way any more.</summary>
    private readonly record struct Step(Action Take, TaskCompletionSource<SupervisedProcessStatus>? Settled);

    /// <summary>First what the state is, then that it has changed: who hears of a change finds it.</summary>
    private void Publish(SupervisedProcessState previous)
    {
        _status = new SupervisedProcessStatus(Name)
        {
            State = _core.State,
            ProcessId = _run?.ProcessId,
            Starts = _starts,
            Restarts = _restarts,
            LastExits = [.. _exits],
        };
        if (_core.State == previous)
            return;
        Tell();
        _context.Observer.OnStateChanged(new SupervisedProcessStateChange(Name, previous, _core.State));
        if (_core.State == SupervisedProcessState.Failed && _core.Options.StopHostOnFailure && !_core.IsDraining)
        {
            SupervisionLog.HostStopped(_context.Logger, Name);
            _context.Observer.StopHost();
        }
    }

    private void Tell()
    {
        switch (_core.State)
        {
            case SupervisedProcessState.Ready:
                SupervisionLog.ProcessReady(_context.Logger, Name);
                break;
            case SupervisedProcessState.Failing:
                SupervisionLog.ProcessNotReady(_context.Logger, Name, _core.Options.ReadyTimeout);
                break;
            case SupervisedProcessState.BackingOff:
                SupervisionLog.ProcessRestarts(_context.Logger, Name, _core.Delay);
                break;
            case SupervisedProcessState.Failed when _core.HasGivenUp:
                SupervisionLog.ProcessGivenUp(_context.Logger, Name, _core.Options.MaxStarts, _core.Options.StartWindow);
                break;
            case SupervisedProcessState.Failed:
                SupervisionLog.ProcessFailed(_context.Logger, Name, _core.Options.Restart);
                break;
            case SupervisedProcessState.Stopped or SupervisedProcessState.Completed:
                SupervisionLog.ProcessAtRest(_context.Logger, Name, _core.State);
                break;
        }
    }
}
