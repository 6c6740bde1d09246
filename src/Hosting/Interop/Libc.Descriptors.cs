using System.Runtime.InteropServices;
using UnixLoop.Transports;

namespace UnixLoop.Hosting.Interop;

internal static unsafe partial class Libc
{
    // asm-generic/socket.h and fcntl.h; the same on x64 and arm64.
    private const int SOL_SOCKET = 1;
    private const int SO_TYPE = 3;
    private const int SO_ACCEPTCONN = 30;
    private const int SO_DOMAIN = 39;
    private const int AF_UNIX = 1;
    private const int SOCK_STREAM = 1;
    private const int F_GETFD = 1;
    private const int F_SETFD = 2;
    private const int FD_CLOEXEC = 1;

    /// <summary>Sets FD_CLOEXEC (fcntl(2)). False if there is no such descriptor.</summary>
    internal static bool TrySetCloseOnExec(int descriptor)
    {
        int flags = fcntl(descriptor, F_GETFD, 0);
        return flags >= 0 && fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC) >= 0;
    }

    /// <summary>A SOCK_STREAM socket of AF_UNIX, listening or not (socket(7)).</summary>
    internal static bool IsUnixStream(int descriptor) =>
        TryGetOption(descriptor, SO_DOMAIN, out int domain) && domain == AF_UNIX && TryGetOption(descriptor, SO_TYPE, out int type) && type == SOCK_STREAM;

    /// <summary>What a Unix socket is bound to (getsockname(2)); null if it has no name.</summary>
    internal static UnixSocketAddress? AddressOf(int descriptor)
    {
        const int longestName = 108; // unix(7)
        byte* address = stackalloc byte[sizeof(ushort) + longestName + 1];
        int length = sizeof(ushort) + longestName + 1;
        if (getsockname(descriptor, address, &length) < 0 || length <= sizeof(ushort))
            return null;
        ReadOnlySpan<byte> name = new(address + sizeof(ushort), length - sizeof(ushort));
        return name[0] == 0 ? UnixSocketAddress.FromAbstractName(name[1..]) : UnixSocketAddress.FromPath(name.TrimEnd((byte)0));
    }

    /// <summary>What a descriptor is instead of a listening Unix stream socket; null if it is one.</summary>
    internal static string? WhyNotUnixListener(int descriptor)
    {
        if (!TryGetOption(descriptor, SO_DOMAIN, out int domain))
            return "is no socket";
        if (domain != AF_UNIX)
            return $"is a socket of address family {domain}, not AF_UNIX";
        if (!TryGetOption(descriptor, SO_TYPE, out int type) || type != SOCK_STREAM)
            return $"is a Unix socket of type {type}, not SOCK_STREAM";
        return TryGetOption(descriptor, SO_ACCEPTCONN, out int listening) && listening == 1 ? null : "does not listen (SO_ACCEPTCONN)";
    }

    private static bool TryGetOption(int descriptor, int option, out int value)
    {
        int read = 0, length = sizeof(int);
        bool isRead = getsockopt(descriptor, SOL_SOCKET, option, &read, &length) == 0;
        value = read;
        return isRead;
    }

    [LibraryImport("libc")]
    private static partial int fcntl(int descriptor, int command, nint argument);

    [LibraryImport("libc")]
    private static partial int getsockname(int descriptor, void* address, int* length);

    [LibraryImport("libc")]
    private static partial int getsockopt(int descriptor, int level, int option, void* value, int* length);
}
