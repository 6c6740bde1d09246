namespace UnixLoop.Subprocesses;

/// <summary>Why a run ended.</summary>
internal enum RunEnd
{
    /// <summary>By itself, or not yet.</summary>
    None,

    TimedOut,
    Cancelled,

    /// <summary>Its input could not be read, or it could not be stopped.</summary>
    Failed,
}

/// <summary>Stops a run's child before its time: at the time-out, or when the caller cancels. The first reason wins. Thread-safe.</summary>
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
    private int _reason;
    private volatile bool _isOver;

    internal RunEnd Reason => (RunEnd)Volatile.Read(ref _reason);

    /// <summary>What made it <see cref="RunEnd.Failed"/>.</summary>
    internal Exception? Failure { get; private set; }

    /// <summary>Whether the child is beyond our reach (EPERM): its exit must not be waited for.</summary>
    internal bool CannotStop { get; private set; }

    internal void Arm(IStoppable target, CancellationToken cancellationToken)
    {
        _target = target;
        _callers = cancellationToken;
        if (options.Timeout != Timeout.InfiniteTimeSpan)
            _timer = services.Loop.Clock.CreateTimer(static self => ((EarlyStop)self!).OnTimeout(), this, options.Timeout, Timeout.InfiniteTimeSpan);
        if (cancellationToken.CanBeCanceled)
            _cancellation = cancellationToken.UnsafeRegister(static self => ((EarlyStop)self!).Stop(RunEnd.Cancelled), this);
    }

    /// <summary>The run can't go on. Where the caller has cancelled it, that is why: a source may hear of it before we do.</summary>
    internal void Fail(Exception failure)
    {
        if (_isOver)
            return;
        bool isCancelled = _callers.IsCancellationRequested;
        Failure ??= isCancelled ? new OperationCanceledException(_callers) : failure;
        Stop(isCancelled ? RunEnd.Cancelled : RunEnd.Failed);
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
        if (Interlocked.CompareExchange(ref _reason, (int)reason, (int)RunEnd.None) != (int)RunEnd.None)
            return;
        _ = StopAsync();
        onDecided();
    }

    private async Task StopAsync()
    {
        try
        {
            await _target!.StopAsync(options.StopGrace).ConfigureAwait(false);
        }
        catch (UnauthorizedAccessException e)
        {
            Failure = e;
            CannotStop = true;
            Volatile.Write(ref _reason, (int)RunEnd.Failed);
            onDecided();
        }
    }
}
