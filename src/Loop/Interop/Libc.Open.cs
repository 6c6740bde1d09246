using System.Runtime.InteropServices;
using static Tmds.Linux.LibC;

namespace UnixLoop.Interop;

internal static unsafe partial class Libc
{
    /// <summary>openat(2) from our working directory, always close-on-exec and never taking a terminal; repeated on EINTR (a FIFO waits for its other end).</summary>
    internal static PosixResult Open(string path, int flags, uint mode = 0) => OpenAt(AT_FDCWD, path, flags, mode);

    /// <summary>As <see cref="Open"/>, with a relative path counting from <paramref name="directory"/>.</summary>
    internal static PosixResult OpenAt(int directory, string path, int flags, uint mode = 0)
    {
        PosixResult result;
        do
        {
            result = Faults.IsEnabled && Faults.Fails("openat", out PosixResult fault)
                ? fault
                : Result(openat(directory, path, flags | O_CLOEXEC | O_NOCTTY, mode));
        }
        while (result.Errno == EINTR);
        return result;
    }

    /// <summary>As <see cref="OpenAt(int, string, int, uint)"/>, for a path of any bytes.</summary>
    internal static PosixResult OpenAt(int directory, ReadOnlySpan<byte> path, int flags, uint mode = 0)
    {
        fixed (byte* p = (byte[])[.. path, 0])
        {
            PosixResult result;
            do
            {
                result = Faults.IsEnabled && Faults.Fails("openat", out PosixResult fault)
                    ? fault
                    : Result(openat(directory, p, flags | O_CLOEXEC | O_NOCTTY, mode));
            }
            while (result.Errno == EINTR);
            return result;
        }
    }

    /// <summary>pipe2(2) with O_CLOEXEC, both ends blocking.</summary>
    internal static PosixResult Pipe(out int readEnd, out int writeEnd)
    {
        readEnd = writeEnd = -1;
        if (Faults.IsEnabled && Faults.Fails("pipe2", out PosixResult fault))
            return fault;
        int* ends = stackalloc int[2];
        PosixResult result = Call(PipeNumber, (nint)ends, O_CLOEXEC);
        if (result.IsSuccess)
            (readEnd, writeEnd) = (ends[0], ends[1]);
        return result;
    }

    /// <summary>access(2): F_OK asks whether the path leads to anything.</summary>
    internal static PosixResult Access(byte* path, int mode) =>
        Faults.IsEnabled && Faults.Fails("access", out PosixResult fault) ? fault : Result(access(path, mode));

    /// <inheritdoc cref="Access(byte*, int)"/>
    internal static PosixResult Access(string path, int mode) =>
        Faults.IsEnabled && Faults.Fails("access", out PosixResult fault) ? fault : Result(access(path, mode));

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int openat(int directory, string path, int flags, uint mode);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int openat(int directory, byte* path, int flags, uint mode);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int access(byte* path, int mode);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int access(string path, int mode);
}
