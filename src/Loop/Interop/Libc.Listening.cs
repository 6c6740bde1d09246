using System.Runtime.InteropServices;
using static Tmds.Linux.LibC;

namespace UnixLoop.Interop;

internal static unsafe partial class Libc
{
    /// <summary>bind(2).</summary>
    internal static PosixResult Bind(int descriptor, ReadOnlySpan<byte> address)
    {
        if (Faults.IsEnabled && Faults.Fails("bind", out PosixResult fault))
            return fault;
        fixed (byte* a = address)
            return Result(bind(descriptor, a, (uint)address.Length));
    }

    /// <summary>listen(2).</summary>
    internal static PosixResult Listen(int descriptor, int backlog)
    {
        if (Faults.IsEnabled && Faults.Fails("listen", out PosixResult fault))
            return fault;
        return Result(listen(descriptor, backlog));
    }

    /// <summary>accept4(2), non-blocking and close-on-exec, without the peer's address; repeated on EINTR.</summary>
    internal static PosixResult Accept(int descriptor)
    {
        PosixResult result;
        do
        {
            result = Faults.IsEnabled && Faults.Fails("accept4", out PosixResult fault)
                ? fault
                : Result(accept4(descriptor, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC));
        }
        while (result.Errno == EINTR);
        return result;
    }

    [LibraryImport(Library, SetLastError = true)]
    private static partial int bind(int descriptor, byte* address, uint length);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int listen(int descriptor, int backlog);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int accept4(int descriptor, byte* address, uint* length, int flags);
}
