using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.SendFile;

/// <summary>
/// Says whether a part of a file can be sent without waiting for a disk (linux.md, rule 29). The kernel is asked for one byte of
/// each 64 KiB and for the last one: it reads ahead in blocks, and a byte costs as much to ask for as a sixtieth of the sending.
/// Not promised: pages between those asked for, and pages that are evicted between the answer and the sending.
/// </summary>
internal struct PageCache
{
    private const int Stride = 64 * 1024;

    private bool _isUnknown;

    /// <summary>False where a disk has to be read, and where the file system or the kernel can't tell.</summary>
    internal bool Has(int file, long offset, int count)
    {
        if (_isUnknown)
            return false;
        long last = offset + count - 1;
        for (long at = offset; at < last; at += Stride)
        {
            PosixResult peeked = PeekCache(file, at);
            if (peeked.IsError || peeked.Value == 0)
                return peeked.IsSuccess;
        }
        return PeekCache(file, last).IsSuccess;
    }

    private PosixResult PeekCache(int file, long offset)
    {
        PosixResult peeked = Libc.PeekCache(file, offset);
        _isUnknown = peeked.IsError && peeked.Errno != EAGAIN;
        return peeked;
    }
}
