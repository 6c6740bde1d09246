using System.Runtime.InteropServices;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace UnixLoop.Interop;

internal static unsafe partial class Libc
{
    /// <summary>poll(2); a wait that a signal cut short (EINTR) reports no events: the caller looks again.</summary>
    internal static PosixResult Poll(pollfd* descriptors, int count, int timeoutMilliseconds)
    {
        if (Faults.IsEnabled && Faults.Fails("poll", out PosixResult fault))
            return fault.Errno == EINTR ? PosixResult.Success() : fault;
        PosixResult result = Result(poll(descriptors, (nuint)count, timeoutMilliseconds));
        return result.Errno == EINTR ? PosixResult.Success() : result;
    }

    [LibraryImport(Library, SetLastError = true)]
    private static partial int poll(pollfd* descriptors, nuint count, int timeout);
}
