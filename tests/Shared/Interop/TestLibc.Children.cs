using System.Runtime.InteropServices;

namespace UnixLoop.TestSupport.Interop;

internal static unsafe partial class TestLibc
{
    private const int PTRACE_SEIZE = 0x4206; // linux/ptrace.h
    private const int RLIMIT_NOFILE = 7; // asm-generic/resource.h

    /// <summary>ptrace(2): this thread traces <paramref name="pid"/> from now on. Null, or why it can't.</summary>
    internal static string? Seize(int pid) =>
        ptrace(PTRACE_SEIZE, pid, 0, 0) == 0 ? null : Marshal.GetLastPInvokeErrorMessage();

    /// <summary>The soft limit of RLIMIT_NOFILE.</summary>
    internal static int GetDescriptorLimit()
    {
        ulong* limit = stackalloc ulong[2];
        return getrlimit(RLIMIT_NOFILE, limit) == 0 ? (int)Math.Min(limit[0], int.MaxValue) : throw new IOException("getrlimit");
    }

    internal static void SetDescriptorLimit(int soft)
    {
        ulong* limit = stackalloc ulong[2];
        if (getrlimit(RLIMIT_NOFILE, limit) != 0)
            throw new IOException("getrlimit");
        limit[0] = (ulong)soft;
        if (setrlimit(RLIMIT_NOFILE, limit) != 0)
            throw new IOException($"setrlimit: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint ptrace(nint request, int pid, nint address, nint data);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getrlimit(int resource, ulong* limit);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setrlimit(int resource, ulong* limit);
}
