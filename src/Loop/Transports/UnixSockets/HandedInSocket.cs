using System.Runtime.InteropServices;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>Looks at a socket that somebody else has made.</summary>
internal static class HandedInSocket
{
    /// <summary>Its own address and its peer's.</summary>
    /// <exception cref="ArgumentException">It is no connected Unix stream socket.</exception>
    internal static (UnixSocketAddress Local, UnixSocketAddress Remote) CheckConnected(SafeHandle socket, string name)
    {
        if (socket.IsInvalid)
            throw new ArgumentException("The handle holds no descriptor.", name);
        bool borrowed = false;
        socket.DangerousAddRef(ref borrowed);
        try
        {
            int descriptor = (int)socket.DangerousGetHandle();
            // SO_TYPE knows nothing of SOCK_NONBLOCK and SOCK_CLOEXEC: they are not a type (socket(2)).
            Require(descriptor, SO_DOMAIN, AF_UNIX, "is not of AF_UNIX", name);
            Require(descriptor, SO_TYPE, SOCK_STREAM, "is not of SOCK_STREAM", name);
            Span<byte> native = stackalloc byte[NativeAddress.MaxLength];
            PosixResult peer = Libc.GetPeerName(descriptor, native);
            if (peer.IsError)
                throw new ArgumentException($"Descriptor {descriptor} is not connected ({PosixError.Name(peer.Errno)}: getpeername).", name);
            UnixSocketAddress remote = NativeAddress.Read(native, peer.IntValue);
            PosixResult own = Libc.GetSocketName(descriptor, native);
            return (own.IsError ? UnixSocketAddress.Unnamed : NativeAddress.Read(native, own.IntValue), remote);
        }
        finally
        {
            socket.DangerousRelease();
        }
    }

    /// <exception cref="IOException">fcntl(2) failed.</exception>
    internal static void SetNonBlocking(SafeHandle socket)
    {
        bool borrowed = false;
        socket.DangerousAddRef(ref borrowed);
        try
        {
            int descriptor = (int)socket.DangerousGetHandle();
            int flags = PosixError.ThrowIfError(Libc.Fcntl(descriptor, F_GETFL), $"fcntl F_GETFL for descriptor {descriptor}");
            if ((flags & O_NONBLOCK) == 0)
                PosixError.ThrowIfError(Libc.Fcntl(descriptor, F_SETFL, flags | O_NONBLOCK), $"fcntl F_SETFL for descriptor {descriptor}");
        }
        finally
        {
            socket.DangerousRelease();
        }
    }

    private static void Require(int descriptor, int option, int expected, string otherwise, string name)
    {
        PosixResult asked = Libc.GetSocketOption(descriptor, option);
        if (asked.IsError)
            throw new ArgumentException($"Descriptor {descriptor} is no socket ({PosixError.Name(asked.Errno)}: getsockopt).", name);
        if (asked.IntValue != expected)
            throw new ArgumentException($"The socket of descriptor {descriptor} {otherwise}: a Unix stream socket is needed.", name);
    }
}
