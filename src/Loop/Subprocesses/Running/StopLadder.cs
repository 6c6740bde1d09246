namespace UnixLoop.Subprocesses;

/// <summary>
/// One way down for all who stop a child: TERM, CONT, wait, KILL (linux.md, rule 5). The shortest grace wins. Every member
/// but <see cref="Stopped"/> and <see cref="End"/> is called under the child's lock.
/// </summary>
internal sealed class StopLadder(TimeProvider clock, TimerCallback onGraceOver, ChildProcess child)
{
    private readonly TaskCompletionSource<ChildExitStatus> _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ITimer? _timer;
    private long _armedAt;
    private TimeSpan _grace;

    /// <summary>Ends with the exit, or with the error that kept the signals from being sent.</summary>
    internal Task<ChildExitStatus> Stopped => _stopped.Task;

    /// <summary>Whether the grace is over.</summary>
    internal bool IsKilling { get; private set; }

    /// <summary>Whether TERM has been sent.</summary>
    internal bool HasBegun => _timer is not null || IsKilling;

    internal void BeginKilling() => IsKilling = true;

    /// <summary>Arms the end of the grace, or brings it forward.</summary>
    internal void Arm(TimeSpan grace)
    {
        if (_timer is null)
        {
            _armedAt = clock.GetTimestamp();
            _grace = grace;
            _timer = clock.CreateTimer(onGraceOver, child, grace, Timeout.InfiniteTimeSpan);
            return;
        }
        TimeSpan fromArmed = clock.GetElapsedTime(_armedAt) + grace;
        if (fromArmed < _grace)
        {
            _grace = fromArmed;
            _timer.Change(grace, Timeout.InfiniteTimeSpan);
        }
    }

    internal void End(ChildExitStatus exit)
    {
        _timer?.Dispose();
        _stopped.TrySetResult(exit);
    }

    internal void Fail(Exception error)
    {
        _timer?.Dispose();
        _stopped.TrySetException(error);
    }
}
