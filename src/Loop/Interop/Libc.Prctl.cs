using System.Runtime.InteropServices;

namespace UnixLoop.Interop;

internal static unsafe partial class Libc
{
    // linux/prctl.h
    private const int PR_SET_CHILD_SUBREAPER = 36;

    /// <summary>prctl(2), PR_SET_CHILD_SUBREAPER: orphans among our descendants become our children.</summary>
    internal static PosixResult BecomeSubreaper()
    {
        if (Faults.IsEnabled && Faults.Fails("prctl", out PosixResult fault))
            return fault;
        return Result(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
    }

    [LibraryImport(Library, SetLastError = true)]
    private static partial int prctl(int option, nuint argument2, nuint argument3, nuint argument4, nuint argument5);
}
