using System.Globalization;
using System.Text;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>
/// Keeps binders of one path apart: flock(2) on a file of its own, which is never removed, since whoever waits for it would then
/// lock a file that nobody else finds. Held from the probe until the socket serves.
/// </summary>
internal sealed class SocketLock : IDisposable
{
    /// <summary>A binder holds it for little more than <see cref="StaleSocket.Pause"/>; one that binds and does not serve, for as long as it likes.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    private readonly UnixHandle _file;

    private SocketLock(UnixHandle file) => _file = file;

    internal static async ValueTask<SocketLock> AcquireAsync(
        SocketPlace place, string? lockDirectory, TimeProvider clock, CancellationToken cancellationToken)
    {
        (byte[] path, byte[] name) = NameOf(place, lockDirectory);
        using UnixHandle? elsewhere = lockDirectory is null ? null : OpenDirectory(lockDirectory, place.Address);
        UnixHandle directory = elsewhere ?? place.Directory;
        long began = clock.GetTimestamp();
        while (true)
        {
            UnixHandle file = Open(directory, name, path, place.Address);
            bool kept = false;
            try
            {
                PosixResult locked = Libc.TryLock(file.Descriptor);
                if (locked.IsError && locked.Errno != EAGAIN)
                    throw BindErrors.Create(locked, place.Address, $"its lock file '{EscapedName.Of(path)}' can't be locked");
                // Somebody may have removed it in between: a lock on a file without a name keeps nobody out.
                if (locked.IsSuccess && IsStillThere(file, directory, name))
                {
                    kept = true;
                    return new SocketLock(file);
                }
            }
            finally
            {
                if (!kept)
                    file.Dispose();
            }
            if (clock.GetElapsedTime(began) >= Patience)
                throw BindErrors.InUse(place.Address, $"somebody else is binding it, or has bound it and does not serve yet, and holds '{EscapedName.Of(path)}'");
            await Task.Delay(Interval, clock, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Beside the socket "name.lock"; in a directory for locks also the socket directory's device and inode, as there may be many of one name.</summary>
    private static (byte[] Path, byte[] Name) NameOf(SocketPlace place, string? lockDirectory)
    {
        if (lockDirectory is null)
            return ([.. place.Address.Bytes, .. ".lock"u8], [.. place.Name, .. ".lock"u8]);
        BindErrors.ThrowIfError(Libc.Stat(place.Directory.Descriptor, [], out FileStatus directory), place.Address, "its directory can't be examined");
        string where = string.Create(CultureInfo.InvariantCulture, $".{directory.Identity.Device:x}-{directory.Identity.Inode:x}.lock");
        byte[] name = [.. place.Name, .. Encoding.ASCII.GetBytes(where)];
        return ([.. Encoding.UTF8.GetBytes(lockDirectory), (byte)'/', .. name], name);
    }

    private static UnixHandle OpenDirectory(string lockDirectory, UnixSocketAddress address)
    {
        PosixResult opened = Libc.Open(lockDirectory, O_PATH | O_DIRECTORY);
        BindErrors.ThrowIfError(opened, address, $"the directory for lock files, '{lockDirectory}', can't be opened");
        return new UnixHandle(opened.IntValue);
    }

    private static UnixHandle Open(UnixHandle directory, byte[] name, byte[] path, UnixSocketAddress address)
    {
        // O_NONBLOCK: a FIFO that somebody put there must not hold us.
        PosixResult opened = Libc.OpenAt(directory.Descriptor, name, O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0b110_000_000);
        BindErrors.ThrowIfError(opened, address, $"its lock file '{EscapedName.Of(path)}' can't be opened");
        var file = new UnixHandle(opened.IntValue);
        PosixResult asked = Libc.Stat(file.Descriptor, [], out FileStatus status);
        if (asked.IsSuccess && status.Type == Libc.RegularFile)
            return file;
        file.Dispose();
        BindErrors.ThrowIfError(asked, address, $"its lock file '{EscapedName.Of(path)}' can't be looked at");
        throw BindErrors.Create(EINVAL, address, $"its lock file '{EscapedName.Of(path)}' is no regular file");
    }

    private static bool IsStillThere(UnixHandle file, UnixHandle directory, byte[] name) =>
        Libc.Stat(file.Descriptor, [], out FileStatus ours).IsSuccess
        && Libc.Stat(directory.Descriptor, name, out FileStatus there).IsSuccess
        && ours.Identity == there.Identity;

    /// <summary>Unlocks for the whole description, then closes: a child before its exec may still hold a copy of the descriptor.</summary>
    public void Dispose()
    {
        if (!_file.IsClosed)
            _ = Libc.Unlock(_file.Descriptor);
        _file.Dispose();
    }
}
