using System.Security.Cryptography;
using System.Text;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>
/// Binds in a directory that is ours alone, beside the wanted place and so on the same file system, and moves the finished file
/// there by renameat2(2) with RENAME_NOREPLACE: nobody can send to it before it is what it is to be.
/// </summary>
internal static class PrivateBinding
{
    private const uint OursAlone = 0b111_000_000;

    private static readonly byte[] Inside = "s"u8.ToArray();

    internal static FileIdentity Bind(UnixHandle socket, SocketPlace place, in BindingOptions options)
    {
        byte[] name = Encoding.ASCII.GetBytes($".unixloop-{RandomNumberGenerator.GetHexString(16, lowercase: true)}");
        BindErrors.ThrowIfError(Libc.MakeDirectory(place.Directory.Descriptor, name, OursAlone), place.Address, "no directory to bind in");
        try
        {
            return BindIn(name, socket, place, options);
        }
        finally
        {
            _ = Libc.Unlink(place.Directory.Descriptor, name, isDirectory: true);
        }
    }

    private static FileIdentity BindIn(byte[] directoryName, UnixHandle socket, SocketPlace place, in BindingOptions options)
    {
        PosixResult opened = Libc.OpenAt(place.Directory.Descriptor, directoryName, O_PATH | O_DIRECTORY | O_NOFOLLOW);
        BindErrors.ThrowIfError(opened, place.Address, "the directory to bind in can't be opened");
        using var directory = new UnixHandle(opened.IntValue);
        SocketBinder.Narrow(socket, options, place.Address);
        byte[] native = SocketPlace.Native(Encoding.ASCII.GetBytes($"/proc/self/fd/{directory.Descriptor}/s"));
        BindErrors.ThrowIfError(Libc.Bind(socket.Descriptor, native), place.Address, "bind");
        try
        {
            FileIdentity identity = SocketBinder.TakeHold(directory, Inside, options, place.Address);
            PosixResult moved = Libc.RenameNoReplace(directory.Descriptor, Inside, place.Directory.Descriptor, place.Name);
            if (moved.Errno == EEXIST)
                throw BindErrors.InUse(place.Address, "somebody has bound it meanwhile");
            BindErrors.ThrowIfError(moved, place.Address, "the new socket can't be moved to its place");
            return identity;
        }
        catch
        {
            _ = Libc.Unlink(directory.Descriptor, Inside);
            throw;
        }
    }
}
