using UnixLoop.Interop;
using static Tmds.Linux.LibC;
using static UnixLoop.Interop.Libc;

namespace UnixLoop.Children;

/// <summary>Whether this system lets us watch children through pidfds: tried on ourselves.</summary>
internal static class PidfdProbe
{
    private static volatile string? s_reason;
    private static volatile bool s_done;

    /// <summary>The answer of the first call that got one.</summary>
    internal static string? WhyNot()
    {
        if (!s_done && TryRun(out string? reason))
        {
            s_reason = reason;
            s_done = true;
        }
        return s_reason;
    }

    /// <summary>Tries it now.</summary>
    /// <param name="whyNot">Null if pidfds can be used.</param>
    /// <returns>False if nothing could be learned, because descriptors or memory are short at the moment.</returns>
    internal static unsafe bool TryRun(out string? whyNot)
    {
        whyNot = null;
        PosixResult opened = PidfdOpen(Environment.ProcessId);
        if (opened.IsError)
        {
            int errno = opened.Errno;
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
                return false;
            whyNot = Describe(opened, "pidfd_open");
            return true;
        }
        using UnixHandle self = new(opened.IntValue);
        // We are no child of ours: ECHILD says that the question was understood.
        PosixResult waited = WaitId(P_PIDFD, self.Descriptor, info: null, WEXITED | WNOHANG, usage: null);
        if (waited.Errno != ECHILD)
            whyNot = Describe(waited, "waitid with P_PIDFD");
        return true;
    }

    private static string Describe(PosixResult result, string call)
    {
        string why = result.Errno == EPERM ? "forbidden here, as by a seccomp filter"
            : result.Errno == ENOSYS || result.Errno == EINVAL ? "needs Linux 5.4 or later"
            : PosixError.Message(result.Errno);
        return $"{PosixError.Name(result.Errno)}: {call}: {why}";
    }
}
