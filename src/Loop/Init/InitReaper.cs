using UnixLoop.Children;
using UnixLoop.Subprocesses;
using static Tmds.Linux.LibC;
using static UnixLoop.Interop.Libc;

namespace UnixLoop.Init;

// PID 1 while the app runs as its child. No SIGCHLD, which the runtime would take as the order to reap: the main thread blocks in
// waitid(2). Signals come through the runtime's own handlers, since only a handler works here. Blocking them for sigwait or a
// signalfd takes every thread of the process, and the runtime's have been running since before Main; the kernel would give a signal to one of those,
// and PID 1 drops what meets its default there (signal(7)).
internal static unsafe class InitReaper
{
    /// <summary>For a child that somebody else has reaped.</summary>
    private const int Unknowable = 255;

    internal static int Run()
    {
        // Ignored since our start, it would make children vanish without a status (waitpid(2)).
        if (GetSignalDisposition(SIGCHLD) is { IsSuccess: true } found && found.Value == IgnoredDisposition)
            _ = ResetSignalDisposition(SIGCHLD);
        InitSignals signals = new();
        bool hasTerminal = TerminalForeground.IsOurs();
        int child = InitChild.Start(hasTerminal);
        if (hasTerminal)
            IgnoreTerminalStops();
        signals.BeginPassingOn(child);
        int code = ReapUntilEndOf(child, signals, hasTerminal);
        if (hasTerminal)
            TerminalForeground.TakeBack(child);
        return code;
    }

    private static int ReapUntilEndOf(int child, InitSignals signals, bool hasTerminal)
    {
        while (true)
        {
            siginfo_t info = default;
            // A zombie stays until the next call, so that the child's number is its own as long as signals go there.
            if (WaitId(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOWAIT, usage: null).IsError)
                return Unknowable;
            bool ended = info.si_pid == child && info.si_code != CLD_STOPPED;
            if (ended)
                signals.EndPassingOn();
            _ = WaitId(P_PID, info.si_pid, info: null, WEXITED | WSTOPPED | WNOHANG, usage: null);
            if (ended)
                return ChildStatusWord.Decode(ChildStatusWord.From(info.si_code, info.si_status)).ShellExitCode;
            // Ctrl-Z: there is no shell here that could continue it.
            if (hasTerminal && info.si_pid == child && info.si_status == SIGTSTP)
                _ = Kill(-child, SIGCONT);
        }
    }

    /// <summary>
    /// From the background the kernel asks us to stop at each touch of the terminal, and PID 1 can't be stopped: the runtime, which
    /// restores the terminal at its exit, would try for ever.
    /// </summary>
    private static void IgnoreTerminalStops()
    {
        Tmds.Linux.sigaction ignore = new() { sa_handler = SIG_IGN };
        _ = SigAction(SIGTTOU, &ignore, previous: null);
        _ = SigAction(SIGTTIN, &ignore, previous: null);
    }
}
