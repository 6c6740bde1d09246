using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

/// <summary>Opens a pidfd for a child that was just spawned.</summary>
internal static unsafe class ChildPidfd
{
    /// <summary>ENOSYS (kernel before 5.4) or EPERM (a seccomp filter), once it was seen: it stays so for the process's life. 0 until then.</summary>
    internal static volatile int Refusal;

    /// <summary>
    /// Opens one and proves that it is our child's: if somebody reaped the child first, its number may be another process's by
    /// now, and waitid(2) knows children alone.
    /// </summary>
    /// <returns>0, or the errno for which there is none.</returns>
    internal static int Open(int pid, out UnixHandle? pidfd)
    {
        pidfd = null;
        if (Refusal != 0)
            return Refusal;
        PosixResult opened = Libc.PidfdOpen(pid);
        if (opened.IsError)
            return Note(opened.Errno);

        PosixResult isOurs = Libc.WaitId(Libc.P_PIDFD, opened.IntValue, null, Libc.WEXITED | Libc.WNOHANG | Libc.WNOWAIT, null);
        if (isOurs.IsSuccess)
        {
            pidfd = new UnixHandle(opened.IntValue);
            return 0;
        }
        _ = Libc.Close(opened.IntValue);
        // Linux 5.3 has pidfd_open(2), but no P_PIDFD.
        return Note(isOurs.Errno == EINVAL ? ENOSYS : isOurs.Errno);
    }

    private static int Note(int errno)
    {
        if (errno == ENOSYS || errno == EPERM)
            Refusal = errno;
        return errno;
    }
}
