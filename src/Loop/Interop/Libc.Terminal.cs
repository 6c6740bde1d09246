using System.Runtime.InteropServices;

namespace UnixLoop.Interop;

internal static unsafe partial class Libc
{
    /// <summary>isatty(3): whether the descriptor is a terminal; any error says no.</summary>
    internal static bool IsTerminal(int descriptor) => isatty(descriptor) == 1;

    /// <summary>getpgrp(2): our process group.</summary>
    internal static int ProcessGroup() => getpgrp();

    /// <summary>getpgid(2): the process group of <paramref name="pid"/>.</summary>
    internal static PosixResult ProcessGroupOf(int pid) =>
        Faults.IsEnabled && Faults.Fails("getpgid", out PosixResult fault) ? fault : Result(getpgid(pid));

    /// <summary>tcgetpgrp(3): the terminal's foreground group; ENOTTY if it is not our controlling terminal.</summary>
    internal static PosixResult TerminalGroup(int terminal) =>
        Faults.IsEnabled && Faults.Fails("tcgetpgrp", out PosixResult fault) ? fault : Result(tcgetpgrp(terminal));

    /// <summary>tcsetpgrp(3), also from the background: SIGTTOU, which would stop us there, is blocked on this thread meanwhile.</summary>
    internal static PosixResult SetTerminalGroup(int terminal, int group)
    {
        if (Faults.IsEnabled && Faults.Fails("tcsetpgrp", out PosixResult fault))
            return fault;
        ulong* blocked = stackalloc ulong[SignalSetWords];
        ulong* before = stackalloc ulong[SignalSetWords];
        const int SIGTTOU = 22;
        blocked[0] = 1UL << (SIGTTOU - 1);
        PosixResult masked = ErrorNumber(pthread_sigmask(SIG_BLOCK, blocked, before));
        if (masked.IsError)
            return masked;
        PosixResult result = Result(tcsetpgrp(terminal, group));
        _ = pthread_sigmask(SIG_SETMASK, before, null);
        return result;
    }

    [LibraryImport(Library)]
    private static partial int isatty(int descriptor);

    [LibraryImport(Library)]
    private static partial int getpgrp();

    [LibraryImport(Library, SetLastError = true)]
    private static partial int getpgid(int pid);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int tcgetpgrp(int terminal);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int tcsetpgrp(int terminal, int group);
}
