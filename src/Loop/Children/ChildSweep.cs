using Microsoft.Extensions.Logging;
using UnixLoop.Signals;

namespace UnixLoop.Children;

/// <summary>
/// One attachment of a watcher to a loop, for the strategies that live on SIGCHLD: from the signal to a question for each child,
/// on the loop.
/// </summary>
/// <remarks>
/// Standard signals coalesce, so one SIGCHLD means "one or more". A run is posted at most once at a time, and lets the next
/// SIGCHLD post another before it asks its first question: no exit falls in between. A detached or disposed watcher keeps its place at the hub until
/// its last child is gone. The registry's gate comes before this one, this one before the hub's.
/// </remarks>
internal class ChildSweep(UnixEventLoop loop, ILogger logger) : ISignalSubscriber
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, SignalWatch> _watches = [];
    private SignalWatch[] _asked = [];
    private int _requested;
    private bool _subscribed;

    public UnixSignal Signal => UnixSignal.Chld;

    internal UnixEventLoop Loop => loop;

    /// <summary>Whether nobody will be added any more.</summary>
    protected bool IsRetired { get; private set; }

    protected bool IsEmpty
    {
        get
        {
            lock (_gate)
                return _watches.Count == 0;
        }
    }

    /// <exception cref="PlatformNotSupportedException">SIGCHLD can't be had here (linux.md, rule 15).</exception>
    internal void Begin(string watcher)
    {
        try
        {
            SignalRefusals.ThrowIfRefused(Signal, Environment.ProcessId);
            SignalHub.Shared.Add(this);
            _subscribed = true;
        }
        catch (InvalidOperationException refusal)
        {
            throw new PlatformNotSupportedException($"{watcher} can't work here: {refusal.Message}", refusal);
        }
    }

    /// <summary>Leaves the hub, at the latest with the last child.</summary>
    internal void Retire()
    {
        lock (_gate)
        {
            IsRetired = true;
            LeaveIfDone();
        }
    }

    /// <summary>False if the loop has ended, and its end has been noticed.</summary>
    internal bool TryInsert(SignalWatch watch)
    {
        SignalWatch? displaced;
        lock (_gate)
        {
            if (IsRetired)
                return false;
            _watches.TryGetValue(watch.Pid, out displaced);
            _watches[watch.Pid] = watch;
        }
        // Its child was reaped elsewhere, so that the pid could pass on: it is asked once more, by itself.
        if (displaced is not null && !loop.TryPost<object?>(AskAlone, displaced))
            displaced.Orphan();
        return true;
    }

    internal void Remove(SignalWatch watch)
    {
        lock (_gate)
        {
            if (_watches.TryGetValue(watch.Pid, out SignalWatch? entry) && entry == watch)
                _watches.Remove(watch.Pid);
            LeaveIfDone();
        }
    }

    internal SignalWatch? Find(int pid)
    {
        lock (_gate)
            return _watches.GetValueOrDefault(pid);
    }

    void ISignalSubscriber.Deliver()
    {
        if (!TryPostRun())
            Abandon();
    }

    /// <summary>Has <paramref name="watch"/> asked soon; false if the loop has ended.</summary>
    internal virtual bool TryRequest(SignalWatch watch) => TryPostRun();

    protected virtual void SweepOnLoop() => AskEachOnLoop();

    protected void AskEachOnLoop()
    {
        int count;
        lock (_gate)
        {
            count = _watches.Count;
            if (_asked.Length < count)
                _asked = new SignalWatch[2 * count];
            _watches.Values.CopyTo(_asked, 0);
        }
        for (int i = 0; i < count; i++)
            _asked[i].AskOnLoop();
        Array.Clear(_asked, 0, count);
    }

    /// <summary>Runs <paramref name="onLoop"/> later; if the loop ends before, <paramref name="offLoop"/>, by default that all children go to the orphan queue.</summary>
    internal void After(TimeSpan delay, Action onLoop, Action? offLoop = null) =>
        // Unlike those of Schedule, the timers of TimeProvider outlive the loop.
        _ = loop.TimeProvider.CreateTimer(
            _ =>
            {
                if (loop.IsOnLoopThread)
                    onLoop();
                else
                    (offLoop ?? Abandon)();
            },
            state: null, delay, Timeout.InfiniteTimeSpan);

    private bool TryPostRun()
    {
        // The callback's type lets it run on the thread pool where a loop never runs or faults (WorkItem).
        if (Interlocked.Exchange(ref _requested, 1) != 0 || loop.TryPost<object?>(static sweep => ((ChildSweep)sweep!).Run(), this))
            return true;
        Volatile.Write(ref _requested, 0);
        return false;
    }

    private void Run()
    {
        // First, with a full fence: see above.
        Interlocked.Exchange(ref _requested, 0);
        if (loop.IsOnLoopThread)
            SweepOnLoop();
        else
            Abandon();
    }

    protected static void AskAlone(object? state)
    {
        SignalWatch watch = (SignalWatch)state!;
        if (watch.Sweep.Loop.IsOnLoopThread)
            watch.AskOnLoop();
        else
            watch.Orphan();
    }

    /// <summary>The loop has ended: the orphan queue takes its children.</summary>
    private void Abandon()
    {
        SignalWatch[] left;
        lock (_gate)
            left = [.. _watches.Values];
        Array.ForEach(left, static watch => watch.Orphan());
        Retire();
    }

    private void LeaveIfDone()
    {
        if (!IsRetired || _watches.Count > 0 || !_subscribed)
            return;
        _subscribed = false;
        if (!SignalHub.Shared.Remove(this))
            ChildrenLog.SigChildHandlerChanged(logger);
    }
}
