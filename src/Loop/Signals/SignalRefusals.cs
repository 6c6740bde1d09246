namespace UnixLoop.Signals;

/// <summary>The signals that no handler is installed for, each with its reason (signal(7)).</summary>
internal static class SignalRefusals
{
    internal const string ReapsEveryChild =
        "SIGCHLD can't be handled by PID 1: with a SIGCHLD handler in, the runtime reaps every child before any handler runs, and exit statuses are lost. "
        + "Let an init be PID 1 (docker run --init, or UnixInit.RunAsPid1), or use PidfdChildWatcher or ThreadedChildWatcher.";

    internal const string IgnoredBeforeTheRuntime =
        "SIGCHLD can't be handled here: it was ignored when the process began, and the runtime took it over before it could be reset. "
        + "Start the process with SIGCHLD at its default.";

    private const int SIGCHLD = 17;

    /// <summary>Why no program can handle <paramref name="signal"/>; null if it can.</summary>
    internal static string? ReasonFor(UnixSignal signal) => signal.Number switch
    {
        0 => "default(UnixSignal) is no signal: numbers are 1 to 64",
        9 or 19 => "the kernel allows no handler for it",
        4 or 5 or 6 or 7 or 8 or 11 => "it reports a fault, and the code that faulted can't go on after a handler",
        13 => "the runtime ignores it, and a write to a broken pipe fails with EPIPE instead",
        >= 32 and int number when number < Interop.Libc.SigRtMin => "libc keeps it for its threads",
        int number when number == Interop.Libc.SigRtMin => "the runtime suspends threads with it: a handler would run at every garbage collection",
        _ => null,
    };

    /// <exception cref="ArgumentException">No program can handle it.</exception>
    /// <exception cref="InvalidOperationException">This process can't: SIGCHLD as PID 1.</exception>
    internal static void ThrowIfRefused(UnixSignal signal, int processId)
    {
        if (ReasonFor(signal) is { } reason)
            throw new ArgumentException($"{signal} can't be handled: {reason}.", nameof(signal));
        if (IsChild(signal) && processId == 1)
            throw new InvalidOperationException(ReapsEveryChild);
    }

    internal static bool IsChild(UnixSignal signal) => signal.Number == SIGCHLD;
}
