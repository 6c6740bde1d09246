using System.Globalization;
using UnixLoop.Interop;

namespace UnixLoop.Init;

// sigwaitinfo(2) gets a signal for certain only if no thread of the process lets it through: the kernel gives it to any that does, and PID 1 drops what
// meets its default there (signal(7)). The runtime's threads have been running since before Main, and can't be told. But a thread
// begins with the mask of the one that made it, a mask survives execve(2), and so does what is pending for the process: hence the program
// is executed once more with the signals blocked, and every thread of the second runtime is born so.
/// <summary>Sees to it that all threads of an init block the signals that it takes, since they began.</summary>
internal static class InitReexec
{
    /// <summary>The pid of the program that has been executed once more; not for children.</summary>
    internal const string Variable = "UNIXLOOP_INIT_REEXEC";

    /// <summary>Begins the program again, or returns because that has been done, or because whoever started it had blocked the signals already.</summary>
    /// <exception cref="IOException">It could not be executed once more; the mask is as before.</exception>
    internal static void EnsureSignalsAreBlocked()
    {
        string own = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        bool isSecond = Environment.GetEnvironmentVariable(Variable) == own;
        Environment.SetEnvironmentVariable(Variable, null);
        _ = PosixError.ThrowIfError(Libc.BlockSignals(0, out ulong mask), "read the signal mask of an init (pthread_sigmask)");
        if ((mask & InitSignals.Taken) == InitSignals.Taken)
            return;
        // Code that ran before us in the second image has opened the mask, and would do so in each further one.
        if (isSecond)
            throw new IOException("An init needs its signals blocked from the start of its process, and something before UnixInit has unblocked them, such as a library of LD_PRELOAD.");
        InitProgram program = InitProgram.Self();
        program.SetVariable(Variable, own);
        _ = PosixError.ThrowIfError(Libc.BlockSignals(InitSignals.Taken, out mask), "block the signals of an init (pthread_sigmask)");
        RemoveDiagnosticPort(own);
        PosixResult failed = program.Execute();
        _ = Libc.SetSignalMask(mask);
        throw PosixError.ToException(failed, $"execute '{program}' once more with the signals of an init blocked (execve)");
    }

    /// <summary>
    /// The first runtime's socket, whose name the second one takes again: pid and start time stay (docs/design-docs/ipc-protocol.md of
    /// dotnet/diagnostics). Left there, it would cost the second one its port, and stay for ever.
    /// </summary>
    private static void RemoveDiagnosticPort(string own)
    {
        const int StartTime = 19; // field 22 of proc_pid_stat(5), counted from behind the name
        try
        {
            string stat = File.ReadAllText("/proc/self/stat");
            string started = stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[StartTime];
            File.Delete(Path.Combine(Path.GetTempPath(), $"dotnet-diagnostic-{own}-{started}-socket"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // An init without a diagnostic port is an init still.
        }
    }
}
