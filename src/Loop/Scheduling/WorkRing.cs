using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace UnixLoop.Scheduling;

// One fixed part of the queue, with many writers and one reader.
//   A writer claims a position by moving Tail (a full fence), then fills the slot; its callback comes last and says that it is there.
//   What an item has besides its callback lies in an array of its own: an Action, which has nothing, costs a third of the cache
//   lines, and each of them goes from the writer's core to the reader's and back.
//   The reader takes the callback, empties the slot, and moves Head. Limit is what writers know of Head: as long as they stay
//   below it they do not look at the line that the reader writes.
//   A frozen ring's Tail lies beyond every limit: nothing more can be claimed, and what was claimed is still filled.
internal sealed class WorkRing
{
    private const long FrozenOffset = 1L << 62;

    private readonly WorkItem.Slot[] _slots;
    private readonly WorkItem.Details[] _details;
    private Positions _at;

    /// <param name="length">A power of two.</param>
    internal WorkRing(int length)
    {
        _slots = new WorkItem.Slot[length];
        _details = new WorkItem.Details[length];
        _at.Limit = length;
    }

    internal int Length => _slots.Length;

    /// <summary>The ring that follows this one, once it is frozen.</summary>
    internal WorkRing? Next;

    /// <summary>Positions claimed and not yet read, also those that are still being filled.</summary>
    internal int Count => (int)Math.Clamp(End - Volatile.Read(ref _at.Head), 0, Length);

    private long End
    {
        get
        {
            long tail = Volatile.Read(ref _at.Tail);
            return tail >= FrozenOffset ? tail - FrozenOffset : tail;
        }
    }

    /// <summary>Any thread; passes a full fence after the claim. False when the ring is full or frozen.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryEnqueue(in WorkItem item)
    {
        long tail = Volatile.Read(ref _at.Tail);
        while (true)
        {
            if (tail >= Volatile.Read(ref _at.Limit) && !TryRaiseLimit(tail))
                return false;
            long seen = Interlocked.CompareExchange(ref _at.Tail, tail + 1, tail);
            if (seen == tail)
            {
                long place = tail & (_slots.Length - 1);
                _slots[place].Fill(item, ref _details[place]);
                return true;
            }
            tail = seen;
        }
    }

    private bool TryRaiseLimit(long tail)
    {
        long limit = Volatile.Read(ref _at.Head) + _slots.Length;
        if (tail >= limit)
            return false;
        Volatile.Write(ref _at.Limit, limit);
        return true;
    }

    /// <summary>The reader. False also for a position that is claimed and not yet filled.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryDequeue(out WorkItem item)
    {
        long head = _at.Head;
        long place = head & (_slots.Length - 1);
        if (!_slots[place].TryTake(ref _details[place], out item))
            return false;
        Volatile.Write(ref _at.Head, head + 1);
        return true;
    }

    /// <summary>Ends the claims; once.</summary>
    internal void Freeze() => Interlocked.Add(ref _at.Tail, FrozenOffset);

    /// <summary>The reader, of a frozen ring: waits, for as long as filling a slot takes, for writers that have claimed one.</summary>
    internal void AwaitClaims()
    {
        long end = End;
        var spinner = new SpinWait();
        for (long position = _at.Head; position < end; position++)
        {
            while (!_slots[position & (_slots.Length - 1)].IsFilled)
                spinner.SpinOnce();
        }
    }

    /// <summary>On cache lines of their own: writers fight for one, the reader moves the other.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 3 * CacheLine)]
    private struct Positions
    {
        private const int CacheLine = 128; // two lines of 64 bytes, which x64 fetches in pairs, or one of arm64's 128

        [FieldOffset(CacheLine)]
        internal long Tail;

        [FieldOffset(CacheLine + sizeof(long))]
        internal long Limit;

        [FieldOffset(2 * CacheLine)]
        internal long Head;
    }
}
