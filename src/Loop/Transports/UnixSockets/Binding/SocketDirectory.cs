using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>A parent directory that is made for a socket: that one level alone, never with more rights than asked for.</summary>
internal static class SocketDirectory
{
    internal static UnixHandle Make(byte[] path, uint mode, in BindingOptions options, UnixSocketAddress address)
    {
        (byte[] parentPath, byte[] name) = SocketPlace.Split(UnixSocketAddress.FromPath(path));
        PosixResult opened = Libc.OpenAt(AT_FDCWD, parentPath, O_PATH | O_DIRECTORY);
        BindErrors.ThrowIfError(opened, address, $"the directory '{EscapedName.Of(parentPath)}', where '{EscapedName.Of(name)}' is to be made, can't be opened");
        using var parent = new UnixHandle(opened.IntValue);

        PosixResult made = Libc.MakeDirectory(parent.Descriptor, name, mode & 0b111_000_000); // 0700: nobody else's before the rest is set
        if (made.IsError && made.Errno != EEXIST)
            throw BindErrors.Create(made, address, $"the directory '{EscapedName.Of(path)}' can't be made");
        UnixHandle? directory = null;
        try
        {
            opened = Libc.OpenAt(parent.Descriptor, name, made.IsSuccess ? O_PATH | O_DIRECTORY | O_NOFOLLOW : O_PATH | O_DIRECTORY);
            BindErrors.ThrowIfError(opened, address, $"the directory '{EscapedName.Of(path)}' can't be opened");
            directory = new UnixHandle(opened.IntValue);
            if (made.IsSuccess)
                FileAccessRights.Set(directory, mode, options.Owner, options.Group, address, $"the directory '{EscapedName.Of(path)}'");
            return directory;
        }
        catch
        {
            directory?.Dispose();
            if (made.IsSuccess)
                _ = Libc.Unlink(parent.Descriptor, name, isDirectory: true);
            throw;
        }
    }
}
