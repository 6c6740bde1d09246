using System.Buffers;
using System.Runtime.CompilerServices;
using Tmds.Linux;
using UnixLoop.Interop;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>Segments in the order of their bytes, and how far the first has been sent.</summary>
internal struct SegmentQueue
{
    /// <summary>What one sendmsg(2) takes; far below IOV_MAX.</summary>
    private const int MostSegments = 16;

    private BufferSegment? _head;
    private int _headSent;

    internal BufferSegment? Tail { get; private set; }

    internal long Length { get; private set; }

    internal readonly bool IsEmpty => _head is null;

    /// <summary>Room for <paramref name="size"/> more bytes in one piece, in the last segment or in a new one.</summary>
    internal BufferSegment Reserve(int size)
    {
        if (Tail is { } tail && tail.RoomLength >= size && tail.RoomLength > 0)
            return tail;
        // Who goes on writing writes much: by small pieces, 8 MiB would be 2,000 of them.
        BufferSegment segment = BufferSegment.Rent(Math.Max(size, IsEmpty ? BufferSegment.Small : BufferSegment.Large));
        Append(segment);
        return segment;
    }

    /// <summary>What was put into the last segment.</summary>
    internal void Advance(int bytes)
    {
        Tail!.Advance(bytes);
        Length += bytes;
    }

    internal void Append(BufferSegment segment)
    {
        if (Tail is null)
            _head = segment;
        else
            Tail.Append(segment);
        Tail = segment;
        Length += segment.Length;
    }

    /// <summary>Copies into the room that is left, then into new segments.</summary>
    internal void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            BufferSegment segment = Tail is { RoomLength: > 0 } tail ? tail : Reserve(Math.Min(bytes.Length, BufferSegment.Large));
            int count = Math.Min(bytes.Length, segment.RoomLength);
            bytes[..count].CopyTo(segment.Room);
            Advance(count);
            bytes = bytes[count..];
        }
    }

    /// <summary>Takes all of <paramref name="other"/>; small pieces are copied together, so that many small writes do not hold a segment each.</summary>
    internal void TakeOver(ref SegmentQueue other)
    {
        while (other._head is { } segment)
        {
            ReadOnlySpan<byte> bytes = segment.Filled[other._headSent..];
            bool isCopied = segment.Attached is null && Tail is { } tail && tail.RoomLength >= bytes.Length;
            if (isCopied)
            {
                Write(bytes);
                other.Drop();
                continue;
            }
            if (IsEmpty)
                _headSent = other._headSent;
            else if (other._headSent > 0)
                throw new InvalidOperationException("A segment that was sent in part goes first.");
            other._head = segment.Detach();
            other._headSent = 0;
            Append(segment);
            Length -= IsHead(segment) ? _headSent : 0;
        }
        other = default;
    }

    /// <summary>One send(2) or sendmsg(2) of what comes first.</summary>
    internal PosixResult Send(int descriptor)
    {
        BufferSegment head = _head!;
        if (head.Attached is { } attached)
        {
            PosixResult sent = attached.Send(descriptor, head.Filled);
            if (sent.IsSuccess)
            {
                head.Attached = null;
                attached.Release();
            }
            return sent;
        }
        return head.Next is null or { Attached: not null } ? Libc.Send(descriptor, head.Filled[_headSent..]) : SendGathered(descriptor);
    }

    private readonly unsafe PosixResult SendGathered(int descriptor)
    {
        Pins pins = default;
        iovec* vector = stackalloc iovec[MostSegments];
        int count = 0;
        try
        {
            for (BufferSegment? segment = _head; segment is not null && count < MostSegments; segment = segment.Next)
            {
                if (segment.Attached is not null)
                    break;
                segment.Publish();
                ReadOnlyMemory<byte> bytes = count == 0 ? segment.Memory[_headSent..] : segment.Memory;
                pins[count] = bytes.Pin();
                vector[count] = new iovec { iov_base = pins[count].Pointer, iov_len = bytes.Length };
                count++;
            }
            return Libc.SendGathered(descriptor, vector, count);
        }
        finally
        {
            foreach (ref MemoryHandle pin in pins[..count])
                pin.Dispose();
        }
    }

    /// <summary>The kernel has taken <paramref name="bytes"/>.</summary>
    internal void Consume(int bytes)
    {
        Length -= bytes;
        while (_head is { } head)
        {
            int left = head.Length - _headSent;
            if (bytes < left)
            {
                _headSent += bytes;
                return;
            }
            bytes -= left;
            Drop();
        }
    }

    /// <summary>Forgets everything.</summary>
    /// <param name="isLookedAt">Somebody may still write to its memory, which then is not given back.</param>
    internal void Clear(bool isLookedAt = false)
    {
        while (_head is { } segment)
        {
            _head = segment.Detach();
            if (isLookedAt)
                segment.Abandon();
            else
                segment.Release();
        }
        this = default;
    }

    private readonly bool IsHead(BufferSegment segment) => ReferenceEquals(_head, segment);

    private void Drop()
    {
        BufferSegment spent = _head!;
        _head = spent.Detach();
        _headSent = 0;
        if (_head is null)
            Tail = null;
        spent.Release();
    }

    [InlineArray(MostSegments)]
    private struct Pins
    {
        private MemoryHandle _first;
    }
}
