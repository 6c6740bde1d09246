using UnixLoop.Interop;
using static Tmds.Linux.LibC;
using static UnixLoop.Interop.Libc;

namespace UnixLoop.Children;

/// <summary>Asks waitid(2) about one child, and never about any other.</summary>
internal static unsafe class ChildReaper
{
    /// <summary>Whether the child can be reaped; leaves it as it is.</summary>
    internal static PeekResult Peek(WatchedChild child)
    {
        siginfo_t info = default;
        PosixResult result = Wait(child, &info, WNOWAIT, usage: null);
        if (result.IsError)
            return result.Errno == ECHILD ? PeekResult.Gone : PeekResult.Failed;
        return info.si_pid == 0 ? PeekResult.Alive : PeekResult.Dead;
    }

    /// <summary>Reaps the child if it is dead.</summary>
    /// <param name="child">The child.</param>
    /// <param name="status">How it ended; for <see cref="ReapResult.BeingReapedElsewhere"/> and <see cref="ReapResult.Failed"/>, what is left to say if the caller gives up.</param>
    internal static ReapResult Reap(WatchedChild child, out ChildExitStatus status)
    {
        siginfo_t info = default;
        rusage usage = default;
        PosixResult result = Wait(child, &info, options: 0, &usage);
        if (result.Errno == ECHILD)
            return AskPidfd(child, out status);
        status = default;
        if (result.IsError)
            return ReapResult.Failed;
        if (info.si_pid == 0)
            return ReapResult.NotYet;
        status = ChildStatusWord.Decode(ChildStatusWord.From(info.si_code, info.si_status)) with { ResourceUsage = Convert(usage) };
        return ReapResult.Reaped;
    }

    private static PosixResult Wait(WatchedChild child, siginfo_t* info, int options, rusage* usage)
    {
        options |= WEXITED | WNOHANG;
        PosixResult result = child.Pidfd is not null
            ? WaitId(P_PIDFD, child.PidfdNumber, info, options, usage)
            : WaitId(P_PID, child.Pid, info, options, usage);
        // Linux 5.3 has pidfds but no P_PIDFD (EINVAL). The number is as good while the zombie holds it.
        return result.IsError && result.Errno != ECHILD ? WaitId(P_PID, child.Pid, info, options, usage) : result;
    }

    private static ReapResult AskPidfd(WatchedChild child, out ChildExitStatus status)
    {
        status = new ChildExitStatus { Kind = ChildExitKind.ReapedElsewhere };
        if (child.Pidfd is null)
            return ReapResult.ReapedElsewhere;
        switch (PidfdExitInfo.Ask(child.PidfdNumber, out int word))
        {
            case PidfdExitAnswer.Known:
                status = ChildStatusWord.Decode(word);
                return ReapResult.Recovered;
            case PidfdExitAnswer.NotYet:
                return ReapResult.BeingReapedElsewhere;
            default:
                return ReapResult.ReapedElsewhere;
        }
    }

    private static ChildResourceUsage Convert(in rusage usage) => new()
    {
        UserTime = Convert(usage.ru_utime),
        SystemTime = Convert(usage.ru_stime),
        MaxResidentBytes = usage.ru_maxrss * 1024, // getrusage(2): kilobytes
        MinorFaults = usage.ru_minflt,
        MajorFaults = usage.ru_majflt,
        BlockInputs = usage.ru_inblock,
        BlockOutputs = usage.ru_oublock,
        VoluntarySwitches = usage.ru_nvcsw,
        InvoluntarySwitches = usage.ru_nivcsw,
    };

    private static TimeSpan Convert(timeval time) =>
        new((time.tv_sec * TimeSpan.TicksPerSecond) + (time.tv_usec * TimeSpan.TicksPerMicrosecond));
}

internal enum PeekResult
{
    Alive,

    /// <summary>A zombie that waits for us.</summary>
    Dead,

    /// <summary>No child of ours (ECHILD): somebody else reaps it or has done so.</summary>
    Gone,

    /// <summary>waitid(2) refused.</summary>
    Failed,
}

internal enum ReapResult
{
    /// <summary>By us.</summary>
    Reaped,

    /// <summary>By somebody else, but the kernel told us the status.</summary>
    Recovered,

    /// <summary>By somebody else, and the status is lost.</summary>
    ReapedElsewhere,

    /// <summary>By somebody else at this moment; the kernel will tell the status soon.</summary>
    BeingReapedElsewhere,

    /// <summary>It lives, or is dead and still held by a tracer.</summary>
    NotYet,

    /// <summary>waitid(2) refused; nothing is known.</summary>
    Failed,
}
