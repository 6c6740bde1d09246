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

    /// <summary>SIG_DFL (asm-generic/signal-defs.h).</summary>
    internal const nint DefaultDisposition = 0;

    /// <summary>SIG_IGN (asm-generic/signal-defs.h).</summary>
    internal const nint IgnoredDisposition = 1;

    /// <summary>sigaction(2) that only asks; the value is SIG_DFL, SIG_IGN or a handler's address.</summary>
    internal static PosixResult GetSignalDisposition(int signal)
    {
        sigaction action = default;
        PosixResult result = SigAction(signal, null, &action);
        return result.IsSuccess ? PosixResult.Success((nint)action.sa_handler) : result;
    }

    /// <summary>sigaction(2) with SIG_DFL.</summary>
    internal static PosixResult ResetSignalDisposition(int signal)
    {
        sigaction action = default;
        return SigAction(signal, &action, null);
    }

    /// <summary>SIGRTMIN as libc leaves it to programs (signal(7)): 34 with glibc, 35 with musl.</summary>
    internal static int SigRtMin { get; } = OperatingSystem.IsLinux() ? __libc_current_sigrtmin() : 34;

    /// <summary>SIGRTMAX (signal(7)): 64.</summary>
    internal static int SigRtMax { get; } = OperatingSystem.IsLinux() ? __libc_current_sigrtmax() : 64;

    [LibraryImport(Library, SetLastError = true)]
    private static partial int kill(int pid, int signal);

    [LibraryImport(Library, EntryPoint = "sigaction", SetLastError = true)]
    private static partial int sigaction_(int signal, sigaction* action, sigaction* previous);

    [LibraryImport(Library)]
    private static partial int __libc_current_sigrtmin();

    [LibraryImport(Library)]
    private static partial int __libc_current_sigrtmax();
}
