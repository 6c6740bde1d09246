using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Children;

/// <summary>What the kernel still says of a child that somebody else has reaped (PIDFD_GET_INFO with PIDFD_INFO_EXIT, Linux 6.15).</summary>
internal static class PidfdExitInfo
{
    private static readonly bool s_kernelHasIt = Environment.OSVersion.Version >= new Version(6, 15);
    private static volatile bool s_refused;
    private static volatile bool s_disabled;

    /// <summary>For tests that want to see what older kernels do.</summary>
    internal static bool IsDisabled
    {
        get => s_disabled;
        set => s_disabled = value;
    }

    /// <summary>Whether the status of a child that somebody else reaped can be learned. Without a child to try it on, the kernel's version has to do.</summary>
    internal static bool IsSupported => s_kernelHasIt && !s_refused && !s_disabled;

    /// <summary>Asks for wait(2)'s status word of a child that waitid(2) no longer knows (ECHILD).</summary>
    internal static unsafe PidfdExitAnswer Ask(int pidfd, out int statusWord)
    {
        statusWord = 0;
        if (s_refused || s_disabled)
            return PidfdExitAnswer.Unknowable;
        Libc.pidfd_info info = new() { mask = Libc.PIDFD_INFO_EXIT };
        PosixResult result = Libc.PidfdGetInfo(pidfd, &info);
        // ENOTTY: no such ioctl on pidfds (< 6.13). EINVAL: not this one.
        if (result.Errno is var errno && (errno == ENOTTY || errno == EINVAL))
            s_refused = true;
        if (result.IsSuccess && (info.mask & Libc.PIDFD_INFO_EXIT) != 0)
        {
            statusWord = info.exit_code;
            return PidfdExitAnswer.Known;
        }
        // kernel/exit.c: a foreign wait hides the zombie from ours some time before release_task() publishes its status.
        return IsSupported ? PidfdExitAnswer.NotYet : PidfdExitAnswer.Unknowable;
    }
}

internal enum PidfdExitAnswer
{
    /// <summary>The kernel told the status word.</summary>
    Known,

    /// <summary>The foreign reap is still under way: ask again soon.</summary>
    NotYet,

    /// <summary>This kernel does not tell.</summary>
    Unknowable,
}
