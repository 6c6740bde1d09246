using System.Runtime.InteropServices;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>Calls with a peer's address, written on the stack where it fits: only a path over 107 bytes needs a descriptor and an object.</summary>
internal static class DatagramAddress
{
    internal static PosixResult Send(int socket, ReadOnlySpan<byte> data, UnixSocketAddress? destination, ReadOnlySpan<int> descriptors)
    {
        if (destination is null)
            return Libc.SendMessage(socket, data, [], descriptors);
        Span<byte> native = stackalloc byte[NativeAddress.MaxLength];
        if (TryWrite(destination, native, out int length))
            return Libc.SendMessage(socket, data, native[..length], descriptors);
        PosixResult found = NativeAddress.TryForPeer(destination, out NativeAddress? longName);
        using (longName)
            return found.IsError ? found : Libc.SendMessage(socket, data, longName!.Bytes, descriptors);
    }

    internal static PosixResult Connect(int socket, UnixSocketAddress peer)
    {
        PosixResult found = NativeAddress.TryForPeer(peer, out NativeAddress? native);
        using (native)
            return found.IsError ? found : Libc.Connect(socket, native!.Bytes);
    }

    /// <summary>Binds to a name of the kernel's choice, and tells which that is.</summary>
    /// <exception cref="IOException">bind(2) or getsockname(2) failed.</exception>
    internal static UnixSocketAddress AutoBind(int socket)
    {
        // An address of nothing but its family (unix(7)).
        ushort family = (ushort)AF_UNIX;
        PosixError.ThrowIfError(Libc.Bind(socket, MemoryMarshal.AsBytes(new ReadOnlySpan<ushort>(in family))), "bind to a name of the kernel's choice");
        Span<byte> name = stackalloc byte[NativeAddress.MaxLength];
        return NativeAddress.Read(name, PosixError.ThrowIfError(Libc.GetSocketName(socket, name), "getsockname"));
    }

    private static bool TryWrite(UnixSocketAddress address, Span<byte> native, out int length)
    {
        ReadOnlySpan<byte> name = address.Bytes;
        length = NativeAddress.NameOffset + name.Length + 1;
        if (length > native.Length)
            return false;
        ushort family = (ushort)AF_UNIX;
        MemoryMarshal.Write(native, in family);
        native[address.IsAbstract ? NativeAddress.NameOffset : length - 1] = 0;
        name.CopyTo(native[(address.IsAbstract ? NativeAddress.NameOffset + 1 : NativeAddress.NameOffset)..]);
        return true;
    }
}
