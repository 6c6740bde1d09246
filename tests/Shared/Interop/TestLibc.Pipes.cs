using System.Runtime.InteropServices;

namespace UnixLoop.TestSupport.Interop;

internal static unsafe partial class TestLibc
{
    private const int F_GETFL = 3; // fcntl.h
    private const int O_NONBLOCK = 0x800;

    /// <summary>mkfifo(3), for us alone.</summary>
    internal static void MakeFifo(string path)
    {
        if (mkfifo(path, 0b110_000_000) != 0)
            throw new IOException($"mkfifo({path}): {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>Whether the descriptor's description has O_NONBLOCK.</summary>
    internal static bool IsNonBlocking(SafeHandle handle)
    {
        int flags = fcntl((int)handle.DangerousGetHandle(), F_GETFL, 0);
        return flags >= 0 ? (flags & O_NONBLOCK) != 0 : throw new IOException($"fcntl: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mkfifo(string path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int descriptor, int command, nint argument);
}
