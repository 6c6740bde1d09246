using System.Runtime.InteropServices;
using static Tmds.Linux.LibC;

namespace UnixLoop.Interop;

internal static unsafe partial class Libc
{
    // linux/wait.h
    internal const int WNOHANG = 0x1;
    internal const int WSTOPPED = 0x2;
    internal const int WEXITED = 0x4;
    internal const int WCONTINUED = 0x8;
    internal const int WNOWAIT = 0x0100_0000;
    internal const int P_ALL = 0;
    internal const int P_PID = 1;
    internal const int P_PIDFD = 3;

    /// <summary>
    /// waitid(2) as the raw system call, whose fifth argument gives the child's resource usage. Repeated on EINTR; blocks
    /// unless <paramref name="options"/> has WNOHANG.
    /// </summary>
    internal static PosixResult WaitId(int idType, int id, siginfo_t* info, int options, rusage* usage)
    {
        PosixResult result;
        do
        {
            result = Faults.IsEnabled && Faults.Fails("waitid", out PosixResult fault)
                ? fault
                : Call(WaitIdNumber, idType, id, (nint)info, options, (nint)usage);
        }
        while (result.Errno == EINTR);
        return result;
    }

    private static nint WaitIdNumber => Number(247, 95);

#pragma warning disable CS8981 // The names are the headers'.
    /// <summary>
    /// siginfo_t as waitid(2) fills it in (asm-generic/siginfo.h). Not Tmds.LibC's, whose si_errno and si_code stand in the order
    /// of MIPS.
    /// </summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    internal struct siginfo_t
    {
        [FieldOffset(0)]
        internal int si_signo;

        [FieldOffset(4)]
        internal int si_errno;

        [FieldOffset(8)]
        internal int si_code;

        [FieldOffset(16)]
        internal int si_pid;

        [FieldOffset(20)]
        internal uint si_uid;

        [FieldOffset(24)]
        internal int si_status;
    }

    /// <summary>The kernel's struct rusage (linux/resource.h); libc's may be longer (musl).</summary>
    internal struct rusage
    {
        internal timeval ru_utime;
        internal timeval ru_stime;
        internal long ru_maxrss;
        internal long ru_ixrss;
        internal long ru_idrss;
        internal long ru_isrss;
        internal long ru_minflt;
        internal long ru_majflt;
        internal long ru_nswap;
        internal long ru_inblock;
        internal long ru_oublock;
        internal long ru_msgsnd;
        internal long ru_msgrcv;
        internal long ru_nsignals;
        internal long ru_nvcsw;
        internal long ru_nivcsw;
    }

    /// <summary>The kernel's struct __kernel_old_timeval on 64-bit systems (linux/time_types.h).</summary>
    internal struct timeval
    {
        internal long tv_sec;
        internal long tv_usec;
    }
#pragma warning restore CS8981
}
