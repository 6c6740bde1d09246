using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace UnixLoop.Hosting.Interop;

/// <summary>The native functions that hosting itself needs; the loop's are the other package's.</summary>
internal static partial class Libc
{
    /// <summary>_exit(2): ends the process at once; no handler, finalizer or buffered stream of it runs.</summary>
    [DoesNotReturn]
    internal static void Exit(int status) => _exit(status);

    [DoesNotReturn]
    [LibraryImport("libc")]
    private static partial void _exit(int status);
}
