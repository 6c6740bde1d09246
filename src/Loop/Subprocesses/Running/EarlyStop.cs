namespace UnixLoop.Subprocesses;

/// <summary>Why a run ended.</summary>
internal enum RunEnd
{
    /// <summary>By itself, or not yet.</summary>
    None,

    TimedOut,
    Cancelled,

    /// <summary>Its input could not be read, a target failed, or it could not be stopped.</summary>
    Failed,
}

// The first reason wins, but for a caller who cancels after the time-out: there is no result to wait for then. What goes on after
// Disarm counts for nothing, but a reason may just be on its way: who needs it twice reads it once.
/// <summary>Stops a run's child before its time: at the time-out, or when the caller cancels. Thread-safe.</summary>
/// <param name="services">The clock.</param>
/// <param name="options">Time-out and grace.</param>
/// <param name="onDecided">Called off any lock when there is a reason, and again when the child can't be stopped.</param>
#pragma warning disable CA1001 // Disarm lets go of the timer
internal sealed class EarlyStop(SubprocessServices services, SubprocessRunOptions options, Action onDecided)
#pragma warning restore CA1001
{
    private IStoppable? _target;
    private CancellationToken _callers;
    private CancellationTokenRegistration _cancellation;
    private ITimer? _timer;
    private Exception? _failure;
    private Exception? _sourceFailure;
    private int _reason;
    private volatile bool _isOver;
    private volatile bool _cannotStop;

    internal RunEnd Reason => (RunEnd)Volatile.Read(ref _reason);

    /// <summary>What made it <see cref="RunEnd.Failed"/>; also after a time-out, where a target failed: what it did not get would be missing.</summary>
    internal Exception? Failure => _failure ?? (Reason == RunEnd.Failed ? _sourceFailure : null);

    /// <summary>Whether the child is beyond our reach (EPERM): its exit must not be waited for.</summary>
    internal bool CannotStop => _cannotStop;

    internal void Arm(IStoppable target, CancellationToken cancellationToken)
    {
        _target = target;
        _callers = cancellationToken;
        if (options.Timeout != Timeout.InfiniteTimeSpan)
            _timer = services.Loop.Clock.CreateTimer(static self => ((EarlyStop)self!).OnTimeout(), this, options.Timeout, Timeout.InfiniteTimeSpan);
        if (cancellationToken.CanBeCanceled)
            _cancellation = cancellationToken.UnsafeRegister(static self => ((EarlyStop)self!).Stop(RunEnd.Cancelled), this);
    }

    /// <summary>The run can't go on: a target of the caller's failed. After another failure this may be what that led to.</summary>
    internal void FailTarget(Exception failure)
    {
        if (Reason != RunEnd.Failed)
            Fail(ref _failure, failure);
    }

    /// <summary>The run can't go on: its source failed. Once there is another reason nobody needs the input any more.</summary>
    internal void FailSource(Exception failure) => Fail(ref _sourceFailure, failure);

    /// <summary>Where the caller has cancelled the run, that is why: a source may hear of it before we do.</summary>
    private void Fail(ref Exception? place, Exception failure)
    {
        if (_isOver)
            return;
        Interlocked.CompareExchange(ref place, failure, null);
        Stop(_callers.IsCancellationRequested ? RunEnd.Cancelled : RunEnd.Failed);
    }

    /// <summary>The run is over. A reason that comes later counts for nothing.</summary>
    internal void Disarm()
    {
        _isOver = true;
        _timer?.Dispose();
        _cancellation.Dispose();
    }

    private void OnTimeout()
    {
        // The time-out is the child's: what a grandchild does with the pipes afterwards has a bound of its own.
        if (!_target!.HasExited)
            Stop(RunEnd.TimedOut);
    }

    private void Stop(RunEnd reason)
    {
        if (_isOver)
            return;
        switch ((RunEnd)Interlocked.CompareExchange(ref _reason, (int)reason, (int)RunEnd.None))
        {
            case RunEnd.None:
                _ = StopAsync();
                break;
            case RunEnd.TimedOut when reason == RunEnd.Cancelled && TryReplace(RunEnd.TimedOut, reason):
                break; // the ladder goes on
            default:
                return;
        }
        onDecided();
    }

    private bool TryReplace(RunEnd old, RunEnd reason) =>
        Interlocked.CompareExchange(ref _reason, (int)reason, (int)old) == (int)old;

    private async Task StopAsync()
    {
        try
        {
            await _target!.StopAsync(options.StopGrace).ConfigureAwait(false);
        }
        catch (UnauthorizedAccessException e)
        {
            if (_target!.HasExited)
                return; // by itself meanwhile: its result is as good as any
            _failure = e;
            Volatile.Write(ref _reason, (int)RunEnd.Failed);
            _cannotStop = true; // last: who sees it ends the run, and needs the others
            onDecided();
        }
    }
}
