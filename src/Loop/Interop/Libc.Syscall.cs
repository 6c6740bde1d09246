using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace UnixLoop.Interop;

internal static unsafe partial class Libc
{
    private static nint ReadNumber => Number(0, 63);

    private static nint WriteNumber => Number(1, 64);

    private static nint FcntlNumber => Number(72, 25);

    /// <summary>pipe2(2).</summary>
    private static nint PipeNumber => Number(293, 59);

    private static nint EpollCtlNumber => Number(233, 21);

    /// <summary>arm64 has epoll_pwait(2) alone, which waits alike with no mask.</summary>
    private static nint EpollWaitNumber => Number(232, 22);

    private static nint SendToNumber => Number(44, 206);

    private static nint ReceiveFromNumber => Number(45, 207);

    private static nint SendMessageNumber => Number(46, 211);

    /// <summary>A call's number by asm/unistd_64.h and asm-generic/unistd.h: elsewhere it would be some other call.</summary>
    private static nint Number(int x64, int arm64) => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => x64,
        Architecture.Arm64 => arm64,
        var other => throw new PlatformNotSupportedException($"UnixLoop knows the system calls of x64 and arm64, not those of {other}."),
    };

    /// <summary>A system call by its number: for what the C library has no function for, and for what is called for each event or child.</summary>
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
