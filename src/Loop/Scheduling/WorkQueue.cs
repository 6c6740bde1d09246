using System.Runtime.CompilerServices;

namespace UnixLoop.Scheduling;

// The queue between all threads and the loop: a ring, and when it is full, one of twice its length after it. A post costs one
// interlocked operation, which is also the full fence that LoopWaker asks of posters: a loop that announces its sleep and
// still finds the queue empty comes before the post's claim, so the poster sees the announcement.
// After Close has returned, every item that TryEnqueue accepted is in the queue, and none can come any more: what was accepted
// is run or abandoned, never forgotten.
/// <summary>Many threads put in, the loop's thread takes out.</summary>
internal sealed class WorkQueue
{
    private const int FirstLength = 64;
    private const int MaxLength = 1 << 20;

    private readonly Lock _growth = new();
    private volatile WorkRing _tail;
    private volatile WorkRing _head;
    private volatile bool _isClosed;

    internal WorkQueue() => _head = _tail = new WorkRing(FirstLength);

    /// <summary>Any thread; a moment's figure.</summary>
    internal int Count
    {
        get
        {
            int count = 0;
            for (WorkRing? ring = _head; ring is not null; ring = Volatile.Read(ref ring.Next))
                count += ring.Count;
            return count;
        }
    }

    /// <summary>The loop; false as soon as a position is claimed.</summary>
    internal bool IsEmpty
    {
        get
        {
            while (_head.Count == 0)
            {
                if (!TryLeaveHead())
                    return _head.Count == 0;
            }
            return false;
        }
    }

    internal bool IsClosed => _isClosed;

    /// <summary>Any thread. Passes a full fence; false once the queue is closed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryEnqueue(in WorkItem item) => _tail.TryEnqueue(item) || TryEnqueueFurther(item);

    private bool TryEnqueueFurther(in WorkItem item)
    {
        while (!_isClosed)
        {
            WorkRing tail = _tail;
            if (tail.TryEnqueue(item))
                return true;
            Grow(tail);
        }
        return false;
    }

    private void Grow(WorkRing full)
    {
        lock (_growth)
        {
            if (_isClosed || _tail != full)
                return;
            var next = new WorkRing(Math.Min(full.Length * 2, MaxLength));
            full.Freeze();
            Volatile.Write(ref full.Next, next);
            _tail = next;
        }
    }

    /// <summary>The loop. False also where the next item has its place and is still being put there: <see cref="IsEmpty"/> knows.</summary>
    internal bool TryDequeue(out WorkItem item)
    {
        while (true)
        {
            if (_head.TryDequeue(out item))
                return true;
            if (!TryLeaveHead())
                return false;
        }
    }

    /// <summary>Goes on to the next ring. One that another follows is frozen: once it is empty, it stays so.</summary>
    private bool TryLeaveHead()
    {
        WorkRing head = _head;
        if (Volatile.Read(ref head.Next) is not { } next || head.Count > 0)
            return false;
        _head = next;
        return true;
    }

    /// <summary>The loop, or who ends a loop that never ran. Refuses further items and waits, for as long as an enqueue takes, for those that were accepted.</summary>
    internal void Close()
    {
        lock (_growth)
        {
            if (_isClosed)
                return;
            _isClosed = true;
            _tail.Freeze();
        }
        for (WorkRing? ring = _head; ring is not null; ring = ring.Next)
            ring.AwaitClaims();
    }
}
