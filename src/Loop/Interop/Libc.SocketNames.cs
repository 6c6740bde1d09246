using System.Runtime.InteropServices;
using static Tmds.Linux.LibC;

namespace UnixLoop.Interop;

internal static unsafe partial class Libc
{
    /// <summary>getsockname(2).</summary>
    /// <param name="descriptor">A socket.</param>
    /// <param name="address">Room for a struct sockaddr.</param>
    /// <returns>The address's length, which may be more than there was room for.</returns>
    internal static PosixResult GetSocketName(int descriptor, Span<byte> address)
    {
        if (Faults.IsEnabled && Faults.Fails("getsockname", out PosixResult fault))
            return fault;
        uint length = (uint)address.Length;
        fixed (byte* a = address)
        {
            PosixResult result = Result(getsockname(descriptor, a, &length));
            return result.IsError ? result : PosixResult.Success((nint)length);
        }
    }

    /// <summary>getpeername(2); see <see cref="GetSocketName"/>.</summary>
    internal static PosixResult GetPeerName(int descriptor, Span<byte> address)
    {
        if (Faults.IsEnabled && Faults.Fails("getpeername", out PosixResult fault))
            return fault;
        uint length = (uint)address.Length;
        fixed (byte* a = address)
        {
            PosixResult result = Result(getpeername(descriptor, a, &length));
            return result.IsError ? result : PosixResult.Success((nint)length);
        }
    }

    /// <summary>getsockopt(2) of SOL_SOCKET, for an option that is an int; the result is its value.</summary>
    internal static PosixResult GetSocketOption(int descriptor, int option)
    {
        if (Faults.IsEnabled && Faults.Fails("getsockopt", out PosixResult fault))
            return fault;
        int value;
        uint length = sizeof(int);
        PosixResult result = Result(getsockopt(descriptor, SOL_SOCKET, option, (byte*)&value, &length));
        return result.IsError ? result : PosixResult.Success(value);
    }

    [LibraryImport(Library, SetLastError = true)]
    private static partial int getsockname(int descriptor, byte* address, uint* length);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int getpeername(int descriptor, byte* address, uint* length);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int getsockopt(int descriptor, int level, int option, byte* value, uint* length);
}
