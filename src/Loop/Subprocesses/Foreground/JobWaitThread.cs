using UnixLoop.Interop;
using static Tmds.Linux.LibC;
using static UnixLoop.Interop.Libc;

namespace UnixLoop.Subprocesses;

/// <summary>Waits for the stops of a job: the one thing of a child that no pidfd tells. Ends with the child, which it does not reap.</summary>
internal static class JobWaitThread
{
    private const int StackBytes = 256 * 1024;

    internal static void Start(ForegroundJob job, int pid, UnixHandle? pidfd)
    {
        bool borrowed = false;
        try
        {
            pidfd?.DangerousAddRef(ref borrowed);
            new Thread(() =>
            {
                Follow(job, pidfd is null ? P_PID : P_PIDFD, pidfd?.Descriptor ?? pid);
                pidfd?.DangerousRelease();
            }, StackBytes)
            { IsBackground = true, Name = $"job-{pid}" }.Start();
        }
        catch (Exception) when (borrowed)
        {
            pidfd!.DangerousRelease();
            throw;
        }
    }

    private static unsafe void Follow(ForegroundJob job, int idType, int id)
    {
        siginfo_t change = default;
        while (WaitId(idType, id, &change, WSTOPPED | WCONTINUED | WEXITED | WNOWAIT, usage: null).IsSuccess)
        {
            if (change.si_code != CLD_STOPPED && change.si_code != CLD_CONTINUED)
                return;
            // Asked for without WEXITED, so that an exit that came meanwhile stays for its watcher.
            change = default;
            if (WaitId(idType, id, &change, WSTOPPED | WCONTINUED | WNOHANG, usage: null).IsError)
                return;
            if (change.si_code == CLD_STOPPED)
                job.OnStopped(change.si_status);
            else if (change.si_code == CLD_CONTINUED)
                job.OnContinued();
            change = default;
        }
    }
}
