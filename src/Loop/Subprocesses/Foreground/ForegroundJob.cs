using Microsoft.Extensions.Logging;
using UnixLoop.Interop;
using UnixLoop.Signals;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

// A child that shares our terminal, and us, as one job of the shell that started us. The child has a group of its own, so that the
// terminal's signals reach it alone; so it is us who must stand in between:
//
//   what happens                                what follows
//   the child stops (Ctrl-Z, or it read         we take the foreground back, and stop our own group with the same signal:
//   from the background)                        the shell sees its job stopped
//   the same, and nobody could continue us      the child goes on, as the kernel does it with an orphaned group
//   we are continued (fg, bg)                   the foreground is the child's again if it is ours (fg), and the child goes on
//   the child alone is continued                the foreground is the child's again if it is ours
//   the child ends                              we take the foreground back, before the exit is told
//
// Only the group that made it the foreground takes it back: a shell that has put us into the background has the terminal itself.
internal sealed class ForegroundJob : ISignalSubscriber
{
    private readonly Lock _gate = new();
    private readonly int _group;
    private bool _ended;

    private ForegroundJob(int group) => _group = group;

    UnixSignal ISignalSubscriber.Signal => new(SIGCONT);

    /// <summary>Begins with a child that leads its group. Where no thread or handler can be had, Ctrl-Z is not followed; the rest works.</summary>
    internal static ForegroundJob Begin(int pid, UnixHandle? pidfd, ILogger logger)
    {
        ForegroundJob job = new(pid);
        try
        {
            SignalHub.Shared.Add(job);
            JobWaitThread.Start(job, pid, pidfd);
        }
        catch (Exception e) when (e is IOException or OutOfMemoryException or ThreadStartException)
        {
            SpawnLog.TerminalJobNotFollowed(logger, pid, e);
        }
        return job;
    }

    void ISignalSubscriber.Deliver() => Continue();

    /// <summary>The child has stopped.</summary>
    internal void OnStopped(int signal)
    {
        lock (_gate)
        {
            if (_ended)
                return;
            TerminalForeground.TakeBack(_group);
        }
        // Whatever comes next comes with SIGCONT.
        if (OwnGroup.HasShell())
            OwnGroup.Stop(signal);
        else if (signal != SIGSTOP && TerminalForeground.IsOurs())
            Continue();
    }

    /// <summary>The child was continued, perhaps by somebody else.</summary>
    internal void OnContinued()
    {
        lock (_gate)
        {
            if (!_ended)
                TerminalForeground.Give(_group);
        }
    }

    /// <summary>The child is dead and not reaped yet: its group's number is still its own. May be called again.</summary>
    internal void End()
    {
        lock (_gate)
        {
            if (_ended)
                return;
            _ended = true;
            TerminalForeground.TakeBack(_group);
        }
        SignalHub.Shared.Remove(this);
    }

    private void Continue()
    {
        lock (_gate)
        {
            if (_ended)
                return;
            // In this order: continued in the background, it would stop again at its first read.
            TerminalForeground.Give(_group);
            _ = Libc.Kill(-_group, SIGCONT);
        }
    }
}
