using System.Buffers;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>
/// Rented memory, filled from its beginning. Only what holds bytes has memory: an idle connection has none. The objects are
/// pooled apart from their arrays, in two steps: a few for each thread, then some for all. A thread keeps a few small ones with
/// their arrays: a message that is received and answered takes and gives two of them, where the array pool has one for each thread.
/// </summary>
internal sealed class BufferSegment : ReadOnlySequenceSegment<byte>
{
    /// <summary>What a small message is read or written in.</summary>
    internal const int Small = 4096;

    /// <summary>What a busy connection is read in.</summary>
    internal const int Large = 64 * 1024;

    private const int MaxOfThread = 8;
    private const int MaxSmallOfThread = 4;
    private const int MaxShared = 1024;

    private static readonly Lock s_gate = new();

    /// <summary>Guarded by <see cref="s_gate"/>.</summary>
    private static readonly Stack<BufferSegment> s_shared = new(MaxShared);

    [ThreadStatic]
    private static Stack<BufferSegment>? t_free;

    /// <summary>With an array of <see cref="Small"/> bytes each; null for a thread that never takes one: what it gives back is for others.</summary>
    [ThreadStatic]
    private static Stack<BufferSegment>? t_small;

    private byte[] _array = [];

    /// <summary>How many bytes it holds.</summary>
    internal int Length { get; private set; }

    internal new BufferSegment? Next
    {
        get => (BufferSegment?)base.Next;
        private set => base.Next = value;
    }

    /// <summary>Descriptors that go with the first of its bytes; see <see cref="IAttachedDescriptors"/>.</summary>
    internal IAttachedDescriptors? Attached { get; set; }

    internal int RoomLength => _array.Length - Length;

    internal Span<byte> Room => _array.AsSpan(Length);

    internal Memory<byte> RoomMemory => _array.AsMemory(Length);

    internal Span<byte> Filled => _array.AsSpan(0, Length);

    internal static BufferSegment Rent(int size)
    {
        if (size <= Small && (t_small ??= new Stack<BufferSegment>(MaxSmallOfThread)).TryPop(out BufferSegment? small))
            return small;
        BufferSegment segment = Take();
        segment._array = ArrayPool<byte>.Shared.Rent(size);
        return segment;
    }

    internal void Advance(int count) => Length += count;

    /// <summary>Lets <see cref="ReadOnlySequenceSegment{T}.Memory"/> be what it holds now. Apart from <see cref="Advance"/>, since who writes never looks.</summary>
    internal void Publish() => Memory = new ReadOnlyMemory<byte>(_array, 0, Length);

    /// <summary>Puts <paramref name="next"/> behind; this one must not grow any more.</summary>
    internal void Append(BufferSegment next)
    {
        Next = next;
        next.RunningIndex = RunningIndex + Length;
    }

    /// <summary>Takes it out of its chain.</summary>
    internal BufferSegment? Detach()
    {
        BufferSegment? next = Next;
        Next = null;
        return next;
    }

    /// <summary>Gives it back, and its memory too: nobody may look at that any more.</summary>
    internal void Release()
    {
        byte[] array = _array;
        if (array.Length == Small && Attached is null && t_small is { Count: < MaxSmallOfThread } small)
        {
            // As little as will do, for each message: it keeps its array, and Memory is published anew before anybody looks.
            Length = 0;
            RunningIndex = 0;
            if (Next is not null)
                Next = null;
            small.Push(this);
            return;
        }
        Abandon();
        ArrayPool<byte>.Shared.Return(array);
        Put(this);
    }

    /// <summary>Lets go of it where somebody may still look at its memory, which the garbage collector then takes.</summary>
    internal void Abandon()
    {
        Attached?.Release();
        Attached = null;
        _array = [];
        Memory = default;
        Length = 0;
        RunningIndex = 0;
        Next = null;
    }

    private static BufferSegment Take()
    {
        if (t_free is { Count: > 0 } free)
            return free.Pop();
        lock (s_gate)
            return s_shared.TryPop(out BufferSegment? segment) ? segment : new BufferSegment();
    }

    private static void Put(BufferSegment segment)
    {
        Stack<BufferSegment> free = t_free ??= new Stack<BufferSegment>(MaxOfThread);
        if (free.Count < MaxOfThread)
        {
            free.Push(segment);
            return;
        }
        lock (s_gate)
        {
            if (s_shared.Count < MaxShared)
                s_shared.Push(segment);
        }
    }
}
