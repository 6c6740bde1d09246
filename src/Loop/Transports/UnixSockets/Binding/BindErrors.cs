using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>The errors of binding: errno, address, reason; the errno is the HResult.</summary>
internal static class BindErrors
{
    internal static IOException Create(int errno, UnixSocketAddress address, string reason) =>
        new($"{PosixError.Name(errno)}: can't bind '{address}': {reason}", errno);

    /// <summary>The reason is strerror(3)'s, after what failed.</summary>
    internal static IOException Create(PosixResult failure, UnixSocketAddress address, string what) =>
        Create(failure.Errno, address, $"{what}: {PosixError.Message(failure.Errno)}");

    internal static IOException InUse(UnixSocketAddress address, string reason) => Create(EADDRINUSE, address, $"it is in use: {reason}");

    internal static void ThrowIfError(PosixResult result, UnixSocketAddress address, string what)
    {
        if (result.IsError)
            throw Create(result, address, what);
    }
}
