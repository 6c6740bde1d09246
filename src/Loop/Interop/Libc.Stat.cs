using System.Text;
using static Tmds.Linux.LibC;

namespace UnixLoop.Interop;

internal static unsafe partial class Libc
{
    private const int StatxBytes = 256; // struct statx of linux/stat.h
    private const int StatxModeOffset = 28;
    private const int STATX_TYPE = 1;
    private const int STATX_INO = 0x100;
    private const int AT_EMPTY_PATH = 0x1000; // linux/fcntl.h

    // inode(7), as values of FileType
    private const int FileTypeMask = 0xF000;
    internal const int Fifo = 0x1000;
    internal const int Directory = 0x4000;
    internal const int RegularFile = 0x8000;

    // By number: glibc has statx(2) from 2.28 on, musl hardly any.
    private static nint StatxNumber => Number(332, 291);

    /// <summary>statx(2), of which the file type alone: <see cref="RegularFile"/> and so on, of what <paramref name="path"/> leads to.</summary>
    internal static PosixResult FileType(string path)
    {
        if (Faults.IsEnabled && Faults.Fails("statx", out PosixResult fault))
            return fault;
        byte* answer = stackalloc byte[StatxBytes];
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
        {
            PosixResult asked = Call(StatxNumber, AT_FDCWD, (nint)name, 0, STATX_TYPE, (nint)answer);
            return asked.IsError ? asked : PosixResult.Success(*(ushort*)(answer + StatxModeOffset) & FileTypeMask);
        }
    }

    /// <summary>statx(2), of which device and inode alone, of what <paramref name="path"/> leads to.</summary>
    internal static PosixResult Identity(string path, out FileIdentity identity)
    {
        identity = default;
        if (Faults.IsEnabled && Faults.Fails("statx", out PosixResult fault))
            return fault;
        byte* answer = stackalloc byte[StatxBytes];
        PosixResult asked;
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
            asked = Call(StatxNumber, AT_FDCWD, (nint)name, 0, STATX_INO, (nint)answer);
        if (asked.IsSuccess)
            identity = new FileIdentity(*(ulong*)(answer + StatxDeviceOffset), *(ulong*)(answer + StatxInodeOffset));
        return asked;
    }

    /// <summary>As <see cref="FileType(string)"/>, of an open file.</summary>
    internal static PosixResult FileType(int descriptor)
    {
        if (Faults.IsEnabled && Faults.Fails("statx", out PosixResult fault))
            return fault;
        byte* answer = stackalloc byte[StatxBytes];
        byte none = 0;
        PosixResult asked = Call(StatxNumber, descriptor, (nint)(&none), AT_EMPTY_PATH, STATX_TYPE, (nint)answer);
        return asked.IsError ? asked : PosixResult.Success(*(ushort*)(answer + StatxModeOffset) & FileTypeMask);
    }
}
