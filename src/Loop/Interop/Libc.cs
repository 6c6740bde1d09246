using System.Runtime.InteropServices;

namespace UnixLoop.Interop;

/// <summary>
/// One wrapper for each native function that the library calls; a file for each man-page family. A wrapper returns a
/// <see cref="PosixResult"/>, retries EINTR where the call may simply be repeated, and asks <see cref="Faults"/> first.
/// </summary>
/// <remarks>
/// The imports name "libc", which the runtime resolves to the C library of the system (glibc or musl); constants and
/// layouts come from Tmds.LibC, whose own functions are not called because they import libc.so.6.
/// </remarks>
internal static unsafe partial class Libc
{
    private const string Library = "libc";

    /// <summary>Turns the "-1 and errno" convention into a result.</summary>
    private static PosixResult Result(nint returned) =>
        returned == -1 ? PosixResult.Failure(Marshal.GetLastPInvokeError()) : PosixResult.Success(returned);
}
