using UnixLoop.Children;
using UnixLoop.Interop;
using UnixLoop.Subprocesses;
using static Tmds.Linux.LibC;
using static UnixLoop.Interop.Libc;

namespace UnixLoop.Init;

// An init while its app runs as its child. One thread does all: sigwaitinfo(2) gives it each signal, which is passed on before the next
// is taken, and SIGCHLD makes it reap. All threads block them (InitReexec), so that none is lost, none runs a handler of the runtime's, and
// those that come before there is a child are pending until there is. When a signal comes, nothing is allocated, and neither a
// thread nor a descriptor is made.
internal sealed unsafe class InitReaper(InitProgram program, UnixInitOptions options, InitReport? report)
{
    /// <summary>For a child that somebody else has reaped.</summary>
    private const int Unknowable = 255;

    private readonly InitSignals _signals = new(options);

    /// <exception cref="IOException">The child could not be started; <see cref="Exception.HResult"/> is the errno.</exception>
    internal int Run()
    {
        // Ignored since our start, it would make children vanish without a status (waitpid(2)).
        if (GetSignalDisposition(SIGCHLD) is { IsSuccess: true } found && found.Value == IgnoredDisposition)
            _ = ResetSignalDisposition(SIGCHLD);
        // Before there is a child, so that no orphan of its goes elsewhere.
        if (options.Subreaper && Environment.ProcessId != 1 && BecomeSubreaper() is { IsError: true } refused)
            throw PosixError.ToException(refused, "become a subreaper (prctl)");
        PosixResult started = InitChild.Start(program, TerminalForeground.IsOurs(), report?.Inherited ?? -1);
        report?.CloseInherited();
        if (started.IsError)
            throw program.WhyNotStarted(started);
        int child = started.IntValue;
        int code = ServeUntilEndOf(child);
        TerminalForeground.TakeBack(child);
        return code;
    }

    private int ServeUntilEndOf(int child)
    {
        // Also children from before our exec, whose SIGCHLD somebody else has had.
        int? code = Reap(child, WNOHANG);
        while (code is null)
        {
            PosixResult signal = WaitForSignal(InitSignals.Taken);
            if (signal.IsError)
                code = Reap(child, 0); // ENOSYS, EPERM: a filter (seccomp(2)) forbids it; an end can still be waited for
            else if (signal.IntValue == SIGCHLD)
                code = Reap(child, WNOHANG);
            else
                _signals.PassOn(signal.IntValue, child);
        }
        return code.Value;
    }

    /// <summary>Takes what has become of children away, with WNOHANG until there is no more, else until the child has ended: one SIGCHLD may stand for many.</summary>
    /// <returns>The exit code once <paramref name="child"/> has ended.</returns>
    private int? Reap(int child, int noHang)
    {
        while (true)
        {
            siginfo_t info = default;
            if (WaitId(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOWAIT | noHang, usage: null).IsError)
                return Unknowable;
            if (info.si_pid == 0)
                return null;
            bool ended = info.si_code != CLD_STOPPED;
            // That change alone: what stopped may have been killed since, and its end is still to be seen.
            _ = WaitId(P_PID, info.si_pid, info: null, (ended ? WEXITED : WSTOPPED) | WNOHANG, usage: null);
            if (!ended)
            {
                if (info.si_pid == child)
                    OnStopped(child, info.si_status);
                continue;
            }
            int status = ChildStatusWord.From(info.si_code, info.si_status);
            if (info.si_pid == child)
                return ChildStatusWord.Decode(status).ShellExitCode;
            report?.Tell(info.si_pid, status);
        }
    }

    /// <summary>
    /// Ctrl-Z, or a touch of the terminal from the background. With a shell above us the job stops as a whole, wherever its standard input comes from; without
    /// one, as in a container, nobody could continue it. Who stops for want of the terminal goes on only with it: it would stop again at once.
    /// Programs that answer Ctrl-Z themselves may stop by STOP in the end; but with the terminal in their hands, it would hang.
    /// </summary>
    private static void OnStopped(int child, int signal)
    {
        if (signal != SIGTSTP && signal != SIGTTIN && signal != SIGTTOU && (signal != SIGSTOP || !TerminalForeground.IsOf(child)))
            return;
        if (Environment.ProcessId != 1 && OwnGroup.HasShell())
        {
            TerminalForeground.TakeBack(child);
            if (signal == SIGTSTP || signal == SIGSTOP || !TerminalForeground.IsOurs())
            {
                StopJob(signal);
                TerminalForeground.Give(child);
                _ = Kill(-child, SIGCONT);
                return;
            }
        }
        if (signal != SIGSTOP && TerminalForeground.TryGive(child))
            _ = Kill(-child, SIGCONT);
    }

    /// <summary>
    /// Returns once somebody has continued us. By the same signal, since what we took for a shell may be another init, which leaves STOP alone. It is
    /// pending before it is let through: if one was already, the two are one stop.
    /// </summary>
    private static void StopJob(int signal)
    {
        OwnGroup.Stop(signal);
        if (BlockSignals(0, out ulong mask).IsError)
            return;
        _ = SetSignalMask(mask & ~(1UL << (signal - 1)));
        _ = SetSignalMask(mask);
    }
}
