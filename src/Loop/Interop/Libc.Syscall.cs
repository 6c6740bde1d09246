using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace UnixLoop.Interop;

internal static unsafe partial class Libc
{
    // asm/unistd_64.h; asm-generic/unistd.h for arm64
    private static nint ReadNumber => IsX64 ? 0 : 63;

    private static nint WriteNumber => IsX64 ? 1 : 64;

    private static nint SendToNumber => IsX64 ? 44 : 206;

    private static nint ReceiveFromNumber => IsX64 ? 45 : 207;

    private static nint SendMessageNumber => IsX64 ? 46 : 211;

    /// <summary>arm64 has epoll_pwait(2) alone, which waits alike with no mask.</summary>
    private static nint EpollWaitNumber => IsX64 ? 232 : 22;

    private static bool IsX64 => RuntimeInformation.ProcessArchitecture == Architecture.X64;

    /// <summary>A system call by its number: for what the C library has no function for, and for what is called for each event.</summary>
    /// <remarks>
    /// recv(2) and its kin are cancellation points (pthreads(7)): in a process with several threads glibc adds two interlocked
    /// operations to each, for a pthread_cancel(3) that never comes. And an import that sets the last error makes three calls
    /// more, whether it has failed or not. errno is read at once, as generated imports read it: the runtime keeps it until then.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static PosixResult Call(nint number, nint a1, nint a2 = 0, nint a3 = 0, nint a4 = 0, nint a5 = 0, nint a6 = 0)
    {
        nint returned = syscall(number, a1, a2, a3, a4, a5, a6);
        return returned == -1 ? PosixResult.Failure(Marshal.GetLastSystemError()) : PosixResult.Success(returned);
    }

    // Variadic in C, but integers travel in the same places on the x86-64 and the arm64 System V ABIs.
    [LibraryImport(Library)]
    private static partial nint syscall(nint number, nint a1, nint a2, nint a3, nint a4, nint a5, nint a6);
}
