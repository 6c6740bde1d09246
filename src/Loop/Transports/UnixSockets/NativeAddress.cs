using System.Runtime.InteropServices;
using System.Text;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

// sun_path has 108 bytes, paths may have 4,095. A longer one is reached through a descriptor, as /proc/self/fd/N leads there:
// for connect(2) through one of the socket's file itself (the kernel follows the link), for bind(2), where there is no file yet,
// through one of its directory.
/// <summary>An address as a struct sockaddr_un, and the descriptor that it may lead through, held until it is disposed.</summary>
internal sealed class NativeAddress : IDisposable
{
    /// <summary>offsetof(sun_path): the family comes before.</summary>
    internal const int NameOffset = 2;

    internal const int MaxLength = NameOffset + UnixSocketAddress.NameRoom;

    private readonly byte[] _bytes;
    private readonly UnixHandle? _through;

    private NativeAddress(ReadOnlySpan<byte> name, UnixHandle? through = null)
    {
        _bytes = new byte[NameOffset + name.Length];
        ushort family = (ushort)AF_UNIX;
        MemoryMarshal.Write(_bytes, in family);
        name.CopyTo(_bytes.AsSpan(NameOffset));
        _through = through;
    }

    internal ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>For connect(2), sendto(2): the socket is there already.</summary>
    /// <returns>The errno of opening a long path, as the connect would have had it.</returns>
    internal static PosixResult TryForPeer(UnixSocketAddress address, out NativeAddress? native)
    {
        native = null;
        if (FitsIn(address))
        {
            native = new NativeAddress(NameOf(address));
            return PosixResult.Success();
        }
        PosixResult opened = Libc.OpenAt(AT_FDCWD, address.Bytes, O_PATH);
        if (opened.IsError)
            return opened;
        var file = new UnixHandle(opened.IntValue);
        native = new NativeAddress(Encoding.ASCII.GetBytes($"/proc/self/fd/{file.Descriptor}\0"), file);
        return PosixResult.Success();
    }

    /// <summary>For bind(2): only the directory is there.</summary>
    /// <returns>The errno of opening the directory; ENAMETOOLONG also for a file name for which no room is left.</returns>
    internal static PosixResult TryForBinding(UnixSocketAddress address, out NativeAddress? native)
    {
        native = null;
        if (FitsIn(address))
        {
            native = new NativeAddress(NameOf(address));
            return PosixResult.Success();
        }
        ReadOnlySpan<byte> path = address.Bytes;
        int slash = path.LastIndexOf((byte)'/');
        PosixResult opened = slash < 0
            ? Libc.OpenAt(AT_FDCWD, "."u8, O_PATH | O_DIRECTORY)
            : Libc.OpenAt(AT_FDCWD, path[..(slash + 1)], O_PATH | O_DIRECTORY);
        if (opened.IsError)
            return opened;
        var directory = new UnixHandle(opened.IntValue);
        byte[] name = [.. Encoding.ASCII.GetBytes($"/proc/self/fd/{directory.Descriptor}/"), .. path[(slash + 1)..], 0];
        if (name.Length > UnixSocketAddress.NameRoom)
        {
            directory.Dispose();
            return PosixResult.Failure(ENAMETOOLONG);
        }
        native = new NativeAddress(name, directory);
        return PosixResult.Success();
    }

    /// <summary>The name of a socket, by getsockname(2) or getpeername(2).</summary>
    internal static UnixSocketAddress Read(ReadOnlySpan<byte> native, int length) =>
        UnixSocketAddress.FromNative(native[Math.Min(NameOffset, length)..Math.Min(length, native.Length)]);

    private static bool FitsIn(UnixSocketAddress address) => address.Bytes.Length < UnixSocketAddress.NameRoom;

    private static byte[] NameOf(UnixSocketAddress address) =>
        address.IsAbstract ? [0, .. address.Bytes] : [.. address.Bytes, 0];

    public void Dispose() => _through?.Dispose();
}
