using System.Buffers;
using System.Runtime.CompilerServices;
using Tmds.Linux;
using UnixLoop.Interop;

namespace UnixLoop.Transports.Pipes;

/// <summary>Writes the segments of a sequence by one writev(2), or sendmsg(2): a Pipe's have 4 KiB, a write(2) for each would cost more than its bytes.</summary>
internal static unsafe class GatheredWrite
{
    /// <summary>What a pipe takes at once as a rule (64 KiB), in a Pipe's segments; far below IOV_MAX.</summary>
    internal const int MostSegments = 16;

    /// <summary>Writes what is at the beginning of <paramref name="buffer"/>; returns how many bytes the kernel took.</summary>
    internal static PosixResult Write(int descriptor, bool isSocket, in ReadOnlySequence<byte> buffer)
    {
        if (buffer.IsSingleSegment)
            return isSocket ? Libc.Send(descriptor, buffer.FirstSpan) : Libc.Write(descriptor, buffer.FirstSpan);

        Pins pins = default;
        iovec* vector = stackalloc iovec[MostSegments];
        int count = 0;
        try
        {
            foreach (ReadOnlyMemory<byte> segment in buffer)
            {
                if (count == MostSegments)
                    break;
                pins[count] = segment.Pin();
                vector[count] = new iovec { iov_base = pins[count].Pointer, iov_len = segment.Length };
                count++;
            }
            return isSocket ? Libc.SendGathered(descriptor, vector, count) : Libc.WriteV(descriptor, vector, count);
        }
        finally
        {
            foreach (ref MemoryHandle pin in pins[..count])
                pin.Dispose();
        }
    }

    [InlineArray(MostSegments)]
    private struct Pins
    {
        private MemoryHandle _first;
    }
}
