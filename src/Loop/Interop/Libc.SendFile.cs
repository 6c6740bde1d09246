using System.Runtime.InteropServices;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace UnixLoop.Interop;

internal static unsafe partial class Libc
{
    private const int SEEK_SET = 0; // stdio.h
    private const int RWF_NOWAIT = 8; // linux/fs.h
    private const uint SPLICE_F_NONBLOCK = 2; // fcntl.h

    // By number: musl has preadv2(2) from 1.2.5 on.
    private static nint PReadV2Number => Number(327, 286);

    /// <summary>sendfile(2), repeated on EINTR. Non-blocking where <paramref name="socket"/> is; it may wait for the file's disk.</summary>
    /// <param name="socket">Where to.</param>
    /// <param name="file">Where from: its own position stays as it is.</param>
    /// <param name="offset">Where in the file.</param>
    /// <param name="count">How many bytes at most.</param>
    internal static PosixResult SendFile(int socket, int file, long offset, int count)
    {
        PosixResult result;
        do
        {
            result = Faults.IsEnabled && Faults.Fails("sendfile", ref count, out PosixResult fault)
                ? fault
                : Result(sendfile(socket, file, &offset, (nuint)count));
        }
        while (result.Errno == EINTR);
        return result;
    }

    /// <summary>splice(2) that waits for neither side's pipe (SPLICE_F_NONBLOCK); a socket has to be non-blocking by itself. Repeated on EINTR.</summary>
    internal static PosixResult Splice(int from, int to, int count)
    {
        PosixResult result;
        do
        {
            result = Faults.IsEnabled && Faults.Fails("splice", ref count, out PosixResult fault)
                ? fault
                : Result(splice(from, null, to, null, (nuint)count, SPLICE_F_NONBLOCK));
        }
        while (result.Errno == EINTR);
        return result;
    }

    /// <summary>pread(2), repeated on EINTR.</summary>
    internal static PosixResult PRead(int file, Span<byte> buffer, long offset)
    {
        int count = buffer.Length;
        fixed (byte* b = buffer)
        {
            PosixResult result;
            do
            {
                result = Faults.IsEnabled && Faults.Fails("pread", ref count, out PosixResult fault)
                    ? fault
                    : Result(pread(file, b, (nuint)count, offset));
            }
            while (result.Errno == EINTR);
            return result;
        }
    }

    /// <summary>
    /// Asks preadv2(2) with RWF_NOWAIT for the byte at <paramref name="offset"/>: 1 if it is in the page cache, 0 at or behind the
    /// end, EAGAIN if it would have to be read from the disk, EOPNOTSUPP where the file system can't tell.
    /// </summary>
    internal static PosixResult PeekCache(int file, long offset)
    {
        if (Faults.IsEnabled && Faults.Fails("preadv2", out PosixResult fault))
            return fault;
        byte ignored;
        var vector = new iovec { iov_base = &ignored, iov_len = 1 };
        return Call(PReadV2Number, file, (nint)(&vector), 1, (nint)offset, 0, RWF_NOWAIT); // 0: the offset's upper half, of 32-bit systems alone
    }

    /// <summary>lseek(2) to <paramref name="offset"/> bytes from the file's beginning.</summary>
    internal static PosixResult Seek(int file, long offset) =>
        Faults.IsEnabled && Faults.Fails("lseek", out PosixResult fault) ? fault : Result((nint)lseek(file, offset, SEEK_SET));

    [LibraryImport(Library, SetLastError = true)]
    private static partial nint sendfile(int to, int from, long* offset, nuint count);

    [LibraryImport(Library, SetLastError = true)]
    private static partial nint splice(int from, long* fromOffset, int to, long* toOffset, nuint count, uint flags);

    [LibraryImport(Library, SetLastError = true)]
    private static partial nint pread(int file, byte* buffer, nuint count, long offset);

    [LibraryImport(Library, SetLastError = true)]
    private static partial long lseek(int file, long offset, int whence);
}
