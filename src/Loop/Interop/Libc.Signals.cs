using System.Runtime.InteropServices;
using Tmds.Linux;

namespace UnixLoop.Interop;

internal static unsafe partial class Libc
{
    /// <summary>kill(2); signal 0 only asks. A negative <paramref name="pid"/> is a process group.</summary>
    internal static PosixResult Kill(int pid, int signal)
    {
        if (Faults.IsEnabled && Faults.Fails("kill", out PosixResult fault))
            return fault;
        return Result(kill(pid, signal));
    }

    /// <summary>sigaction(2): sets <paramref name="action"/> unless it is null, tells the one before unless that is null.</summary>
    internal static PosixResult SigAction(int signal, sigaction* action, sigaction* previous)
    {
        if (Faults.IsEnabled && Faults.Fails("sigaction", out PosixResult fault))
            return fault;
        return Result(sigaction_(signal, action, previous));
    }

    [LibraryImport(Library, SetLastError = true)]
    private static partial int kill(int pid, int signal);

    [LibraryImport(Library, EntryPoint = "sigaction", SetLastError = true)]
    private static partial int sigaction_(int signal, sigaction* action, sigaction* previous);
}
