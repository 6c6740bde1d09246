using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

/// <summary>Signals, the ladder, and the forced end.</summary>
internal sealed partial class ChildProcess
{
    // Guarded by _gate.
    private StopLadder? _ladder;
    private bool _killGroupAtExit;

    private volatile bool _isBeyondReach;

    /// <summary>Whether it was to be stopped and may not be signalled (EPERM): that has been logged, and it runs on.</summary>
    internal bool IsBeyondReach => _isBeyondReach;

    /// <summary>The ladder's first.</summary>
    internal UnixSignal StopSignal { get; init; } = UnixSignal.Term;

    /// <summary>Whether a stop has come to KILL.</summary>
    internal bool NeededKill
    {
        get
        {
            lock (_gate)
                return _ladder is { IsKilling: true };
        }
    }

    /// <summary>Signals the child alone; false if it has ended.</summary>
    internal bool Signal(UnixSignal signal)
    {
        SentSignal.ThrowIfNone(signal);
        PosixResult sent;
        lock (_gate)
        {
            if (_state != State.Running)
                return false;
            sent = SendToChildNeedsLock(signal.Number);
        }
        return SentSignal.ThrowOrTell(sent, signal, this);
    }

    /// <summary>Begins the ladder, or joins one that is under way.</summary>
    /// <exception cref="UnauthorizedAccessException">EPERM: the child runs as another user.</exception>
    internal Task<ChildExitStatus> StopAsync(TimeSpan grace, CancellationToken cancellationToken)
    {
        Task<ChildExitStatus> stopped;
        lock (_gate)
        {
            if (_state == State.Exited)
                return ExitedNeedsLock;
            stopped = DescendNeedsLock(cancellationToken.IsCancellationRequested ? TimeSpan.Zero : grace);
        }
        return cancellationToken.CanBeCanceled && !stopped.IsCompleted ? SkipGraceOnCancelAsync(stopped, cancellationToken) : stopped;
    }

    Task IStoppable.StopAsync(TimeSpan grace) => StopAsync(grace, CancellationToken.None);

    /// <summary>As <see cref="StopAsync"/>, for many: one that can't be stopped is logged.</summary>
    internal async Task StopQuietlyAsync(TimeSpan grace, CancellationToken cancellationToken)
    {
        try
        {
            await StopAsync(grace, cancellationToken).ConfigureAwait(false);
        }
        catch (UnauthorizedAccessException)
        {
            TellBeyondReach();
        }
    }

    private void TellBeyondReach()
    {
        _isBeyondReach = true;
        SubprocessLog.KillForbidden(_services.Logger, FileName, Id);
    }

    private async Task<ChildExitStatus> SkipGraceOnCancelAsync(Task<ChildExitStatus> stopped, CancellationToken cancellationToken)
    {
        using (cancellationToken.UnsafeRegister(static self => ((ChildProcess)self!).OnGraceOver(), this))
            return await stopped.ConfigureAwait(false);
    }

    private Task<ChildExitStatus> DescendNeedsLock(TimeSpan grace)
    {
        StopLadder ladder = _ladder ??= new StopLadder(_services.Loop.Clock, static self => ((ChildProcess)self!).OnGraceOver(), this);
        if (_state != State.Running || ladder.IsKilling)
            return ladder.Stopped;

        PosixResult sent = PosixResult.Success();
        if (grace == TimeSpan.Zero)
        {
            sent = KillNeedsLock(ladder);
        }
        else
        {
            if (!ladder.HasBegun)
                sent = TerminateNeedsLock();
            if (sent.Errno != EPERM)
                ladder.Arm(grace);
        }
        if (sent.Errno == EPERM)
        {
            _ladder = null;
            ladder.Fail(Forbidden(grace == TimeSpan.Zero ? UnixSignal.Kill : StopSignal));
        }
        return ladder.Stopped;
    }

    private void OnGraceOver()
    {
        StopLadder? forbidden = null;
        lock (_gate)
        {
            if (_state != State.Running || _ladder is not { IsKilling: false } ladder)
                return;
            if (KillNeedsLock(ladder).Errno == EPERM)
            {
                forbidden = ladder;
                _ladder = null;
            }
        }
        forbidden?.Fail(Forbidden(UnixSignal.Kill));
    }

    /// <summary>Kills the child and its group, awaits the reap, and closes the pipes.</summary>
    internal ValueTask DestroyAsync()
    {
        if (_state != State.Exited)
            return KillAndReapAsync();
        CloseAfterDispose();
        return ValueTask.CompletedTask;
    }

    private async ValueTask KillAndReapAsync()
    {
        _isBeyondReach = false;
        if (KillNow().Errno == EPERM)
            TellBeyondReach();
        else if (_isUnwatched)
            await ReapUnwatchedAsync().ConfigureAwait(false);
        else
            await Exited.ConfigureAwait(false);
        CloseAfterDispose();
    }

    private void CloseAfterDispose()
    {
        if (Input is { IsEnded: false } || OpenOutputs > 0)
            CloseStreams(new ObjectDisposedException(nameof(ISubprocess), $"{this} was disposed before its output had ended."));
    }

    /// <summary>However the child ends: what is then left of its group is killed.</summary>
    internal void KillGroupAtExit()
    {
        lock (_gate)
            _killGroupAtExit = true;
    }

    /// <summary>Kills the child and its group; what is left of the group when the child dies is killed then.</summary>
    internal PosixResult KillNow()
    {
        lock (_gate)
        {
            if (_state != State.Running)
                return PosixResult.Success();
            _killGroupAtExit = true;
            return SendNeedsLock(SIGKILL);
        }
    }

    private PosixResult TerminateNeedsLock()
    {
        PosixResult sent = SendNeedsLock(StopSignal.Number);
        // A stopped process takes the signal only once it runs again.
        return sent.IsSuccess ? SendNeedsLock(SIGCONT) : sent;
    }

    private PosixResult KillNeedsLock(StopLadder ladder)
    {
        ladder.BeginKilling();
        _killGroupAtExit = true;
        return SendNeedsLock(SIGKILL);
    }

    /// <summary>To the whole group if we made it; the child alone where it has left its group. KILL goes to its control group too.</summary>
    private PosixResult SendNeedsLock(int signal)
    {
        if (signal == SIGKILL)
            _ = _cgroup?.Kill(); // before Linux 5.14 there is no cgroup.kill: the group is what can be reached
        if (!_leadsGroup)
            return SendToChildNeedsLock(signal);
        PosixResult sent = Libc.Kill(-Id, signal);
        return sent.Errno == ESRCH || signal == SIGKILL ? SendToChildNeedsLock(signal) : sent;
    }

    private PosixResult SendToChildNeedsLock(int signal)
    {
        if (_pidfd is not null)
        {
            PosixResult sent = Libc.PidfdSendSignal(_pidfd.Descriptor, signal);
            if (sent.Errno != ENOSYS)
                return sent;
        }
        // Not reaped before OnExiting, which waits for the lock: the pid is still the child's.
        return Libc.Kill(Id, signal);
    }

    /// <summary>The zombie keeps the group's number until the reap that follows (linux.md, rule 5).</summary>
    private void SweepGroupNeedsLock()
    {
        _ = _cgroup?.Kill();
        if (_leadsGroup)
            _ = Libc.Kill(-Id, SIGKILL);
    }

    private UnauthorizedAccessException Forbidden(UnixSignal signal) => SentSignal.Forbidden(signal, this);
}
