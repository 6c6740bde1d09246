using System.Runtime.InteropServices;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>Proves that a handle is a Unix datagram socket; changes nothing.</summary>
internal static class HandedInDatagramSocket
{
    internal static (UnixSocketAddress Local, UnixSocketAddress? Remote) Examine(SafeHandle socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        if (socket.IsInvalid)
            throw new ArgumentException("The handle holds no descriptor.", nameof(socket));
        bool borrowed = false;
        try
        {
            socket.DangerousAddRef(ref borrowed);
            return Examine((int)socket.DangerousGetHandle());
        }
        finally
        {
            if (borrowed)
                socket.DangerousRelease();
        }
    }

    private static (UnixSocketAddress Local, UnixSocketAddress? Remote) Examine(int descriptor)
    {
        PosixResult domain = Libc.GetSocketOption(descriptor, SO_DOMAIN);
        if (domain.Errno == ENOTSOCK)
            throw new ArgumentException($"Descriptor {descriptor} is no socket.");
        if (PosixError.ThrowIfError(domain, "getsockopt SO_DOMAIN") != AF_UNIX)
            throw new ArgumentException($"Descriptor {descriptor} is a socket of address family {domain.IntValue}, not AF_UNIX.");
        int type = PosixError.ThrowIfError(Libc.GetSocketOption(descriptor, SO_TYPE), "getsockopt SO_TYPE");
        if (type != SOCK_DGRAM)
            throw new ArgumentException($"Descriptor {descriptor} is a Unix socket of type {(type == SOCK_STREAM ? "SOCK_STREAM" : $"{type}")}, not SOCK_DGRAM.");

        Span<byte> name = stackalloc byte[NativeAddress.MaxLength];
        UnixSocketAddress local = NativeAddress.Read(name, PosixError.ThrowIfError(Libc.GetSocketName(descriptor, name), "getsockname"));
        PosixResult peer = Libc.GetPeerName(descriptor, name);
        if (peer.Errno == ENOTCONN)
            return (local, null);
        return (local, NativeAddress.Read(name, PosixError.ThrowIfError(peer, "getpeername")));
    }
}
