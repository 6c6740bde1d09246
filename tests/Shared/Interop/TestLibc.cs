using System.Runtime.InteropServices;

namespace UnixLoop.TestSupport.Interop;

/// <summary>What only tests need of libc; it asks no fault plan.</summary>
internal static partial class TestLibc
{
    private static readonly nint SIG_ERR = -1;
    private static readonly nint SIG_IGN = 1;

    /// <summary>kill(2).</summary>
    internal static void Kill(int pid, int signal)
    {
        if (kill(pid, signal) != 0)
            throw new IOException($"kill({pid}, {signal}): {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>signal(2) with SIG_IGN.</summary>
    internal static void IgnoreSignal(int number)
    {
        if (signal(number, SIG_IGN) == SIG_ERR)
            throw new IOException($"signal({number}, SIG_IGN): {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>pthread_sigmask(3): blocks the signal on the calling thread, for as long as that lives.</summary>
    internal static unsafe void BlockOnThisThread(int number)
    {
        const int SIG_BLOCK = 0;
        ulong* set = stackalloc ulong[16]; // sigset_t has 128 bytes
        set[0] = 1UL << (number - 1);
        if (pthread_sigmask(SIG_BLOCK, set, null) != 0)
            throw new IOException($"pthread_sigmask(SIG_BLOCK, {number})");
    }

    /// <summary>Whether this process ignores the signal, as the kernel tells it (proc_pid_status(5)).</summary>
    internal static bool IsSignalIgnored(int number)
    {
        string mask = File.ReadLines("/proc/self/status").First(line => line.StartsWith("SigIgn:", StringComparison.Ordinal))["SigIgn:".Length..];
        return (Convert.ToUInt64(mask.Trim(), 16) >> (number - 1) & 1) == 1;
    }

    /// <summary>clock_gettime(2), CLOCK_MONOTONIC.</summary>
    internal static unsafe long MonotonicMicroseconds()
    {
        const int CLOCK_MONOTONIC = 1;
        long* time = stackalloc long[2];
        return clock_gettime(CLOCK_MONOTONIC, time) == 0 ? time[0] * 1_000_000 + time[1] / 1_000 : throw new IOException("clock_gettime");
    }

    [LibraryImport("libc")]
    private static unsafe partial int clock_gettime(int clock, long* time);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int pid, int signal);

    [LibraryImport("libc")]
    private static unsafe partial int pthread_sigmask(int how, ulong* set, ulong* previous);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint signal(int number, nint handler);
}
