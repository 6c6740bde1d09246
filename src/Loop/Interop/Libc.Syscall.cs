using System.Runtime.InteropServices;

namespace UnixLoop.Interop;

internal static unsafe partial class Libc
{
    // syscall(2) is variadic in C, but integers travel in the same registers on the x86-64 and the arm64 System V ABIs.
    [LibraryImport(Library, SetLastError = true)]
    private static partial nint syscall(nint number, nint a1, nint a2, nint a3, nint a4, nint a5);
}
