using UnixLoop.Children;
using UnixLoop.Interop;
using UnixLoop.Subprocesses;
using static Tmds.Linux.LibC;
using static UnixLoop.Interop.Libc;

namespace UnixLoop.Init;

// An init while its app runs as its child. No SIGCHLD, which the runtime would take as the order to reap: the main thread blocks in
// waitid(2). Signals come through the runtime's own handlers, since only a handler works here. Blocking them for sigwait or a
// signalfd takes every thread of the process, and the runtime's have been running since before Main; the kernel would give a signal to one of those,
// and PID 1 drops what meets its default there (signal(7)).
internal sealed unsafe class InitReaper(InitProgram program, UnixInitOptions options, InitReport? report)
{
    /// <summary>For a child that somebody else has reaped.</summary>
    private const int Unknowable = 255;

    private readonly bool _hasTerminal = TerminalForeground.IsOurs();

    /// <exception cref="IOException">The child could not be started; <see cref="Exception.HResult"/> is the errno.</exception>
    internal int Run()
    {
        // Ignored since our start, it would make children vanish without a status (waitpid(2)).
        if (GetSignalDisposition(SIGCHLD) is { IsSuccess: true } found && found.Value == IgnoredDisposition)
            _ = ResetSignalDisposition(SIGCHLD);
        // Before there is a child, so that no orphan of its goes elsewhere.
        if (options.Subreaper && Environment.ProcessId != 1 && BecomeSubreaper() is { IsError: true } refused)
            throw PosixError.ToException(refused, "become a subreaper (prctl)");
        InitSignals signals = new(options);
        PosixResult started = InitChild.Start(program, _hasTerminal, report?.Inherited ?? -1);
        report?.CloseInherited();
        if (started.IsError)
            throw program.WhyNotStarted(started);
        int child = started.IntValue;
        if (_hasTerminal)
            IgnoreTerminalStops();
        signals.BeginPassingOn(child);
        int code = ReapUntilEndOf(child, signals);
        if (_hasTerminal)
            TerminalForeground.TakeBack(child);
        return code;
    }

    private int ReapUntilEndOf(int child, InitSignals signals)
    {
        while (true)
        {
            siginfo_t info = default;
            // A zombie stays until the next call, so that the child's number is its own as long as signals go there.
            if (WaitId(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOWAIT, usage: null).IsError)
                return Unknowable;
            bool ended = info.si_code != CLD_STOPPED;
            if (ended && info.si_pid == child)
                signals.EndPassingOn();
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

    /// <summary>Ctrl-Z and the like, on our terminal. With a shell above us the job stops as a whole; without one, as in a container, nobody could continue it.</summary>
    private void OnStopped(int child, int signal)
    {
        if (!_hasTerminal || (signal != SIGTSTP && signal != SIGTTIN && signal != SIGTTOU))
            return;
        if (signal == SIGTSTP && Environment.ProcessId != 1 && OwnGroup.HasShell())
        {
            TerminalForeground.TakeBack(child);
            // STOP, since the handler of TSTP would pass it on; returns once the shell has continued us.
            _ = Kill(0, SIGSTOP);
        }
        TerminalForeground.Give(child);
        _ = Kill(-child, SIGCONT);
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
