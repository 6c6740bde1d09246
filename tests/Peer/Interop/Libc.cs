using System.Runtime.InteropServices;

namespace UnixLoop.Peer.Interop;

/// <summary>The two calls that measuring needs and .NET does not offer.</summary>
internal static partial class Libc
{
    private const int OwnProcess = 0; // RUSAGE_SELF, sys/resource.h
    private const int ReapedChildren = -1; // RUSAGE_CHILDREN

    /// <summary>CPU seconds of this process, user and system (getrusage(2)).</summary>
    internal static double OwnCpu() => CpuSeconds(OwnProcess);

    /// <summary>CPU seconds of all children reaped so far.</summary>
    internal static double ChildrenCpu() => CpuSeconds(ReapedChildren);

    /// <summary>usleep(3): the pace of W7's idle posts, below what Thread.Sleep can say.</summary>
    internal static void Pause(uint microseconds) => _ = usleep(microseconds);

    private static double CpuSeconds(int who)
    {
        if (getrusage(who, out Rusage usage) != 0)
            throw new InvalidOperationException($"getrusage: {Marshal.GetLastPInvokeErrorMessage()}");
        return usage.UserSeconds + usage.SystemSeconds + 1e-6 * (usage.UserMicroseconds + usage.SystemMicroseconds);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getrusage(int who, out Rusage usage);

    [LibraryImport("libc")]
    private static partial int usleep(uint microseconds);

    /// <summary>struct rusage, sys/resource.h: two timevals and fourteen longs.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 18 * sizeof(long))]
    private struct Rusage
    {
        internal long UserSeconds;
        internal long UserMicroseconds;
        internal long SystemSeconds;
        internal long SystemMicroseconds;
    }
}
