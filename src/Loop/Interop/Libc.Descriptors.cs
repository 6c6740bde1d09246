namespace UnixLoop.Interop;

internal static unsafe partial class Libc
{
    private const int StatxDeviceMajorOffset = 128; // stx_rdev_major
    private const int StatxDeviceMinorOffset = 132;
    private const int StatxOfDescriptor = 0x1000; // AT_EMPTY_PATH of linux/fcntl.h

    // inode(7), as values of FileType
    internal const int CharacterDevice = 0x2000;
    internal const int BlockDevice = 0x6000;

    /// <summary>fstat(2), by way of statx(2): what kind of thing is open.</summary>
    internal static PosixResult StatDescriptor(int descriptor, out DescriptorStatus status)
    {
        status = default;
        if (Faults.IsEnabled && Faults.Fails("statx", out PosixResult fault))
            return fault;
        byte* answer = stackalloc byte[StatxBytes];
        byte noPath = 0;
        PosixResult asked = Call(StatxNumber, descriptor, (nint)(&noPath), StatxOfDescriptor, STATX_TYPE, (nint)answer);
        if (asked.IsSuccess)
        {
            status = new DescriptorStatus(
                *(ushort*)(answer + StatxModeOffset) & FileTypeMask, *(uint*)(answer + StatxDeviceMajorOffset), *(uint*)(answer + StatxDeviceMinorOffset));
        }
        return asked;
    }
}
