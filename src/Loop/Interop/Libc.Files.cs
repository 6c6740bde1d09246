using System.Runtime.InteropServices;
using static Tmds.Linux.LibC;

namespace UnixLoop.Interop;

internal static unsafe partial class Libc
{
    /// <summary>read(2), repeated on EINTR.</summary>
    internal static PosixResult Read(int descriptor, Span<byte> buffer)
    {
        int count = buffer.Length;
        fixed (byte* b = buffer)
        {
            PosixResult result;
            do
            {
                result = Faults.IsEnabled && Faults.Fails("read", ref count, out PosixResult fault)
                    ? fault
                    : Call(ReadNumber, descriptor, (nint)b, count);
            }
            while (result.Errno == EINTR);
            return result;
        }
    }

    /// <summary>write(2), repeated on EINTR.</summary>
    internal static PosixResult Write(int descriptor, ReadOnlySpan<byte> buffer)
    {
        int count = buffer.Length;
        fixed (byte* b = buffer)
        {
            PosixResult result;
            do
            {
                result = Faults.IsEnabled && Faults.Fails("write", ref count, out PosixResult fault)
                    ? fault
                    : Call(WriteNumber, descriptor, (nint)b, count);
            }
            while (result.Errno == EINTR);
            return result;
        }
    }

    /// <summary>close(2). Never repeated: on Linux the descriptor is gone even after EINTR.</summary>
    internal static PosixResult Close(int descriptor) => Result(close(descriptor));

    /// <summary>fcntl(2) with an integer argument.</summary>
    internal static PosixResult Fcntl(int descriptor, int command, int argument = 0)
    {
        if (Faults.IsEnabled && Faults.Fails(FcntlName(command), out PosixResult fault))
            return fault;
        return Call(FcntlNumber, descriptor, command, argument);
    }

    private static string FcntlName(int command) =>
        command == F_DUPFD_CLOEXEC ? "fcntl F_DUPFD_CLOEXEC"
        : command == F_SETPIPE_SZ ? "fcntl F_SETPIPE_SZ"
        : "fcntl";

    // By its name: a finalizer calls it, where Number must not throw.
    [LibraryImport(Library, SetLastError = true)]
    private static partial int close(int descriptor);
}
