using System.Runtime.InteropServices;
using System.Text;
using static Tmds.Linux.LibC;

namespace UnixLoop.Interop;

/// <summary>The files of sockets and their locks. Names are bytes, and count from a directory's descriptor.</summary>
internal static unsafe partial class Libc
{
    internal const int SocketFile = 0xC000; // inode(7), as a value of FileType
    private const uint PermissionsMask = 0xFFF;

    private const int STATX_BASIC_STATS = 0x7FF;
    private const int StatxOwnerOffset = 20;
    private const int StatxGroupOffset = 24;
    private const int StatxInodeOffset = 32;
    private const int StatxDeviceOffset = 136;

    private const int LOCK_EX = 2; // sys/file.h
    private const int LOCK_NB = 4;
    private const int LOCK_UN = 8;

    private const uint RENAME_NOREPLACE = 1; // linux/fs.h

    /// <summary>By number: glibc has renameat2(2) from 2.28 on, musl hardly any.</summary>
    private static nint RenameNumber => Number(316, 276);

    /// <summary>geteuid(2).</summary>
    internal static uint EffectiveUser() => geteuid();

    /// <summary>statx(2) of a directory's entry, without following it if it is a link; of <paramref name="directory"/> itself if the name is empty (AT_EMPTY_PATH).</summary>
    internal static PosixResult Stat(int directory, ReadOnlySpan<byte> name, out FileStatus status)
    {
        status = default;
        if (Faults.IsEnabled && Faults.Fails("statx", out PosixResult fault))
            return fault;
        byte* answer = stackalloc byte[StatxBytes];
        int flags = AT_SYMLINK_NOFOLLOW | (name.IsEmpty ? AT_EMPTY_PATH : 0);
        PosixResult asked;
        fixed (byte* n = (byte[])[.. name, 0])
            asked = Call(StatxNumber, directory, (nint)n, flags, STATX_BASIC_STATS, (nint)answer);
        if (asked.IsError)
            return asked;
        uint mode = *(ushort*)(answer + StatxModeOffset);
        status = new FileStatus(
            new FileIdentity(*(ulong*)(answer + StatxDeviceOffset), *(ulong*)(answer + StatxInodeOffset)),
            (int)mode & FileTypeMask, mode & PermissionsMask, *(uint*)(answer + StatxOwnerOffset), *(uint*)(answer + StatxGroupOffset));
        return asked;
    }

    /// <summary>fchmod(2).</summary>
    internal static PosixResult ChangeMode(int descriptor, uint mode)
    {
        if (Faults.IsEnabled && Faults.Fails("fchmod", out PosixResult fault))
            return fault;
        return Result(fchmod(descriptor, mode));
    }

    /// <summary>chmod(2) of what <paramref name="descriptor"/> was opened for, also with O_PATH, which fchmod(2) refuses: through /proc/self/fd.</summary>
    internal static PosixResult ChangeModeThroughPath(int descriptor, uint mode)
    {
        if (Faults.IsEnabled && Faults.Fails("chmod", out PosixResult fault))
            return fault;
        fixed (byte* path = Encoding.ASCII.GetBytes($"/proc/self/fd/{descriptor}\0"))
            return Result(fchmodat(AT_FDCWD, path, mode, 0));
    }

    /// <summary>fchownat(2) with AT_EMPTY_PATH: of what <paramref name="descriptor"/> was opened for, also with O_PATH; null leaves as it is.</summary>
    internal static PosixResult ChangeOwner(int descriptor, uint? user, uint? group)
    {
        if (Faults.IsEnabled && Faults.Fails("fchownat", out PosixResult fault))
            return fault;
        byte nothing = 0;
        return Result(fchownat(descriptor, &nothing, user ?? uint.MaxValue, group ?? uint.MaxValue, AT_EMPTY_PATH));
    }

    /// <summary>flock(2) with LOCK_EX and LOCK_NB: EAGAIN while another description has it.</summary>
    internal static PosixResult TryLock(int descriptor)
    {
        PosixResult result;
        do
        {
            result = Faults.IsEnabled && Faults.Fails("flock", out PosixResult fault) ? fault : Result(flock(descriptor, LOCK_EX | LOCK_NB));
        }
        while (result.Errno == EINTR);
        return result;
    }

    /// <summary>flock(2) with LOCK_UN, for all descriptors of the description: a child before its exec may have one.</summary>
    internal static PosixResult Unlock(int descriptor) =>
        Faults.IsEnabled && Faults.Fails("flock LOCK_UN", out PosixResult fault) ? fault : Result(flock(descriptor, LOCK_UN));

    /// <summary>mkdirat(2); the umask takes its part of <paramref name="mode"/>.</summary>
    internal static PosixResult MakeDirectory(int directory, ReadOnlySpan<byte> name, uint mode)
    {
        if (Faults.IsEnabled && Faults.Fails("mkdirat", out PosixResult fault))
            return fault;
        fixed (byte* n = (byte[])[.. name, 0])
            return Result(mkdirat(directory, n, mode));
    }

    /// <summary>unlinkat(2), of an empty directory if <paramref name="isDirectory"/>.</summary>
    internal static PosixResult Unlink(int directory, ReadOnlySpan<byte> name, bool isDirectory = false)
    {
        if (Faults.IsEnabled && Faults.Fails("unlinkat", out PosixResult fault))
            return fault;
        fixed (byte* n = (byte[])[.. name, 0])
            return Result(unlinkat(directory, n, isDirectory ? AT_REMOVEDIR : 0));
    }

    /// <summary>renameat2(2) with RENAME_NOREPLACE: EEXIST if there is something at the new name.</summary>
    internal static PosixResult RenameNoReplace(int fromDirectory, ReadOnlySpan<byte> from, int toDirectory, ReadOnlySpan<byte> to)
    {
        if (Faults.IsEnabled && Faults.Fails("renameat2", out PosixResult fault))
            return fault;
        fixed (byte* f = (byte[])[.. from, 0], t = (byte[])[.. to, 0])
            return Call(RenameNumber, fromDirectory, (nint)f, toDirectory, (nint)t, (nint)RENAME_NOREPLACE);
    }

    [LibraryImport(Library)]
    private static partial uint geteuid();

    [LibraryImport(Library, SetLastError = true)]
    private static partial int fchmod(int descriptor, uint mode);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int fchmodat(int directory, byte* path, uint mode, int flags);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int fchownat(int directory, byte* path, uint user, uint group, int flags);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int flock(int descriptor, int operation);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int mkdirat(int directory, byte* path, uint mode);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int unlinkat(int directory, byte* path, int flags);
}
