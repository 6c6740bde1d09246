using System.Runtime.InteropServices;

namespace UnixLoop.Interop;

internal static unsafe partial class Libc
{
    // The same number on every architecture since Linux 5.1 (asm-generic/unistd.h).
    private const int PidfdSendSignalNumber = 424;
    private const int PidfdOpenNumber = 434;

    // linux/pidfd.h: _IOWR(PIDFS_IOCTL_MAGIC, 11, struct pidfd_info), the size being that of the first version, which the
    // kernel still takes.
    private const nuint PidfdGetInfoRequest = (3u << 30) | (PidfdInfoSize << 16) | (0xFFu << 8) | 11u;
    private const uint PidfdInfoSize = 64;

    /// <summary>linux/pidfd.h: ask for the exit status of a process that has been reaped (Linux 6.15).</summary>
    internal const ulong PIDFD_INFO_EXIT = 1 << 3;

    /// <summary>pidfd_open(2): a close-on-exec descriptor for the process <paramref name="pid"/>.</summary>
    internal static PosixResult PidfdOpen(int pid)
    {
        if (Faults.IsEnabled && Faults.Fails("pidfd_open", out PosixResult fault))
            return fault;
        return Call(PidfdOpenNumber, pid);
    }

    /// <summary>pidfd_send_signal(2); signal 0 only asks. ESRCH once the process has been reaped.</summary>
    internal static PosixResult PidfdSendSignal(int pidfd, int signal)
    {
        if (Faults.IsEnabled && Faults.Fails("pidfd_send_signal", out PosixResult fault))
            return fault;
        return Call(PidfdSendSignalNumber, pidfd, signal);
    }

    /// <summary>ioctl_pidfd(2), PIDFD_GET_INFO: fills in what <c>mask</c> asks for, and sets in it what could be filled in.</summary>
    internal static PosixResult PidfdGetInfo(int pidfd, pidfd_info* info)
    {
        if (Faults.IsEnabled && Faults.Fails("ioctl", out PosixResult fault))
            return fault;
        return Result(ioctl(pidfd, PidfdGetInfoRequest, info));
    }

    [LibraryImport(Library, SetLastError = true)]
    private static partial int ioctl(int descriptor, nuint request, void* argument);

    /// <summary>struct pidfd_info of linux/pidfd.h, first version: 64 bytes.</summary>
    internal struct pidfd_info
    {
        internal ulong mask;
        internal ulong cgroupid;
        internal uint pid;
        internal uint tgid;
        internal uint ppid;
        internal uint ruid;
        internal uint rgid;
        internal uint euid;
        internal uint egid;
        internal uint suid;
        internal uint sgid;
        internal uint fsuid;
        internal uint fsgid;

        /// <summary>wait(2)'s status word, if <c>mask</c> says PIDFD_INFO_EXIT.</summary>
        internal int exit_code;
    }
}
