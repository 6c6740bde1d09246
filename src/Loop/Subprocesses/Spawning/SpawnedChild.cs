using UnixLoop.Interop;

namespace UnixLoop.Subprocesses;

/// <summary>A child that has reached its exec, and our ends of its pipes. The receiver owns every handle, and the duty to reap.</summary>
internal sealed class SpawnedChild
{
    internal required int Pid { get; init; }

    /// <summary>Close-on-exec; null where none could be had: <see cref="PidfdErrno"/> says why.</summary>
    internal UnixHandle? Pidfd { get; init; }

    /// <summary>
    /// Why there is no <see cref="Pidfd"/>: EMFILE, ENFILE, ENOMEM (this time), ENOSYS, EPERM (never here), ESRCH or ECHILD
    /// (somebody else has reaped the child already); 0 where there is one.
    /// </summary>
    internal int PidfdErrno { get; init; }

    /// <summary>Whether the child was made the leader of its own group or session: only then may the group be signalled (linux.md, rule 5).</summary>
    internal bool LeadsGroup { get; init; }

    /// <summary>Whether it shares our terminal, in the foreground or in the background: the receiver follows it by a <see cref="ForegroundJob"/>.</summary>
    internal bool IsTerminalJob { get; init; }

    /// <summary>The control group that is the child's alone; null where it has none.</summary>
    internal ChildCgroup? Cgroup { get; init; }

    /// <summary>The child's terminal, which has no end before this is closed (linux.md, rule 22); null where it has none of its own.</summary>
    internal UnixHandle? Terminal { get; init; }

    /// <summary>Our end of the child's standard input: non-blocking, close-on-exec; null where that is no pipe.</summary>
    internal UnixHandle? InputWriteEnd { get; init; }

    /// <summary>Our end of the child's standard output: non-blocking, close-on-exec; null where that is no pipe.</summary>
    internal UnixHandle? OutputReadEnd { get; init; }

    /// <summary>Our end of the child's standard error: non-blocking, close-on-exec; null where that is no pipe.</summary>
    internal UnixHandle? ErrorReadEnd { get; init; }
}
