using System.Runtime.InteropServices;
using System.Text;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>
/// Where a socket's file is or will be: its directory, held open, and its name there. Whatever becomes of the path or of the
/// working directory, this stays the same place.
/// </summary>
internal sealed class SocketPlace : IDisposable
{
    private SocketPlace(UnixSocketAddress address, UnixHandle directory, byte[] name)
    {
        Address = address;
        Directory = directory;
        Name = name;
    }

    internal UnixSocketAddress Address { get; }

    internal UnixHandle Directory { get; }

    internal byte[] Name { get; }

    /// <summary>Opens the directory, and makes it first if it is missing and that was asked for.</summary>
    internal static SocketPlace Open(UnixSocketAddress address, in BindingOptions options)
    {
        (byte[] directory, byte[] name) = Split(address);
        if (name.Length == 0)
            throw BindErrors.Create(EISDIR, address, "the path ends in '/', so it names a directory");
        PosixResult opened = Libc.OpenAt(AT_FDCWD, directory, O_PATH | O_DIRECTORY);
        if (opened.Errno == ENOENT && options.DirectoryMode is uint mode)
            return new SocketPlace(address, SocketDirectory.Make(directory, mode, options, address), name);
        BindErrors.ThrowIfError(opened, address, $"the directory '{EscapedName.Of(directory)}' can't be opened");
        return new SocketPlace(address, new UnixHandle(opened.IntValue), name);
    }

    /// <summary>What stands at the place now.</summary>
    internal PosixResult TryExamine(out FileStatus status) => Libc.Stat(Directory.Descriptor, Name, out status);

    /// <summary>
    /// For bind(2): the path itself, so that others see it in getpeername(2) and ss(8); one that is too long for that leads
    /// through the directory's descriptor; null if the name alone is too long even so.
    /// </summary>
    internal byte[]? NativeName()
    {
        if (Address.Bytes.Length < UnixSocketAddress.NameRoom)
            return Native(Address.Bytes);
        byte[] through = [.. Encoding.ASCII.GetBytes($"/proc/self/fd/{Directory.Descriptor}/"), .. Name];
        return through.Length < UnixSocketAddress.NameRoom ? Native(through) : null;
    }

    /// <summary>struct sockaddr_un.</summary>
    internal static byte[] Native(ReadOnlySpan<byte> path)
    {
        byte[] native = new byte[NativeAddress.NameOffset + path.Length + 1];
        ushort family = (ushort)AF_UNIX;
        MemoryMarshal.Write(native, in family);
        path.CopyTo(native.AsSpan(NativeAddress.NameOffset));
        return native;
    }

    internal static (byte[] Directory, byte[] Name) Split(UnixSocketAddress address)
    {
        ReadOnlySpan<byte> path = address.Bytes;
        int slash = path.LastIndexOf((byte)'/');
        if (slash < 0)
            return ([(byte)'.'], path.ToArray());
        ReadOnlySpan<byte> directory = path[..slash].TrimEnd((byte)'/');
        return (directory.IsEmpty ? [(byte)'/'] : directory.ToArray(), path[(slash + 1)..].ToArray());
    }

    public void Dispose() => Directory.Dispose();
}
