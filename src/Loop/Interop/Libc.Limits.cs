using System.Runtime.InteropServices;

namespace UnixLoop.Interop;

internal static unsafe partial class Libc
{
    // asm-generic/resource.h
    internal const int RLIMIT_NPROC = 6;
    internal const int RLIMIT_NOFILE = 7;

    /// <summary>The soft limit of getrlimit(2), for the text of an error; null where it is unlimited or unknown.</summary>
    internal static ulong? SoftLimit(int resource)
    {
        ulong* limit = stackalloc ulong[2];
        return getrlimit(resource, limit) == 0 && limit[0] != ulong.MaxValue ? limit[0] : null;
    }

    [LibraryImport(Library)]
    private static partial int getrlimit(int resource, ulong* limit);
}
