using System.Runtime.InteropServices;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace UnixLoop.Interop;

internal static unsafe partial class Libc
{
    /// <summary>writev(2), repeated on EINTR.</summary>
    /// <param name="descriptor">Where to.</param>
    /// <param name="vector">Changed where a fault plan cuts the write short.</param>
    /// <param name="count">At most IOV_MAX (1,024).</param>
    internal static PosixResult WriteV(int descriptor, iovec* vector, int count)
    {
        int bytes = Faults.IsEnabled ? LengthOf(vector, count) : 0;
        PosixResult result;
        do
        {
            result = Faults.IsEnabled && Faults.Fails("writev", ref bytes, out PosixResult fault)
                ? fault
                : Result(writev(descriptor, vector, Faults.IsEnabled ? Cut(vector, bytes) : count));
        }
        while (result.Errno == EINTR);
        return result;
    }

    private static int LengthOf(iovec* vector, int count)
    {
        int bytes = 0;
        for (int i = 0; i < count; i++)
            bytes += (int)vector[i].iov_len;
        return bytes;
    }

    /// <summary>Leaves <paramref name="bytes"/> bytes in it; returns in how many parts.</summary>
    private static int Cut(iovec* vector, int bytes)
    {
        int count = 0;
        for (; bytes > 0; count++)
        {
            int length = Math.Min(bytes, (int)vector[count].iov_len);
            vector[count].iov_len = length;
            bytes -= length;
        }
        return count;
    }

    [LibraryImport(Library, SetLastError = true)]
    private static partial nint writev(int descriptor, iovec* vector, int count);
}
