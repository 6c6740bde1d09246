using System.Runtime.InteropServices;

namespace UnixLoop.TestSupport.Interop;

/// <summary>What only tests need of libc; it asks no fault plan.</summary>
internal static partial class TestLibc
{
    /// <summary>kill(2).</summary>
    internal static void Kill(int pid, int signal)
    {
        if (kill(pid, signal) != 0)
            throw new IOException($"kill({pid}, {signal}): {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int pid, int signal);
}
