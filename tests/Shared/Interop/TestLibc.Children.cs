using System.Runtime.InteropServices;

namespace UnixLoop.TestSupport.Interop;

internal static unsafe partial class TestLibc
{
    private const int PTRACE_SEIZE = 0x4206; // linux/ptrace.h
    private const int PR_GET_DUMPABLE = 3, PR_SET_DUMPABLE = 4; // linux/prctl.h
    private const int RLIMIT_NOFILE = 7; // asm-generic/resource.h

    /// <summary>ptrace(2): this thread traces <paramref name="pid"/> from now on. Null, or why it can't.</summary>
    internal static string? Seize(int pid) =>
        ptrace(PTRACE_SEIZE, pid, 0, 0) == 0 ? null : Marshal.GetLastPInvokeErrorMessage();

    /// <summary>prctl(2), PR_GET_DUMPABLE.</summary>
    internal static int Dumpable() => prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);

    /// <summary>prctl(2), PR_SET_DUMPABLE: much of /proc/self is root's then, as that of a program with capabilities.</summary>
    internal static void BecomeUndumpable()
    {
        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
            throw new IOException($"prctl: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>setresuid(2) as the raw call, for a thread that is about to end: the C library's would change all threads.</summary>
    internal static void BecomeOnThisThread(int user)
    {
        nint number = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 117 : 147;
        if (syscall(number, -1, user, -1) != 0)
            throw new IOException($"setresuid({user}): {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>The soft limit of RLIMIT_NOFILE.</summary>
    internal static int GetDescriptorLimit()
    {
        ulong* limit = stackalloc ulong[2];
        return getrlimit(RLIMIT_NOFILE, limit) == 0 ? (int)Math.Min(limit[0], int.MaxValue) : throw new IOException("getrlimit");
    }

    internal static void SetDescriptorLimit(int soft) => SetSoftLimit(RLIMIT_NOFILE, (ulong)soft);

    /// <returns>What it was.</returns>
    internal static ulong SetSoftLimit(int resource, ulong soft)
    {
        ulong* limit = stackalloc ulong[2];
        if (getrlimit(resource, limit) != 0)
            throw new IOException("getrlimit");
        ulong before = limit[0];
        limit[0] = soft;
        if (setrlimit(resource, limit) != 0)
            throw new IOException($"setrlimit: {Marshal.GetLastPInvokeErrorMessage()}");
        return before;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint ptrace(nint request, int pid, nint address, nint data);

    [LibraryImport("libc")]
    private static partial int prctl(int option, nint a2, nint a3, nint a4, nint a5);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nint a1, nint a2, nint a3);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getrlimit(int resource, ulong* limit);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setrlimit(int resource, ulong* limit);
}
