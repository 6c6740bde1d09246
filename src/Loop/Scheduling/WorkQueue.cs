using System.Collections.Concurrent;

namespace UnixLoop.Scheduling;

// The queue between all threads and the loop. After Close has returned, every item that TryEnqueue accepted is in the queue,
// and none can come any more: what was accepted is run or abandoned, never forgotten.
//   _gate counts the posters at work in twos; its lowest bit says "closed". A poster that finds the bit set puts nothing in.
// Leaving the gate is also the full fence that LoopWaker asks of posters.
internal sealed class WorkQueue
{
    private const long Closed = 1;
    private const long OnePoster = 2;

    private readonly ConcurrentQueue<WorkItem> _items = new();
    private long _gate;

    internal int Count => _items.Count;

    internal bool IsEmpty => _items.IsEmpty;

    internal bool IsClosed => (Volatile.Read(ref _gate) & Closed) != 0;

    /// <summary>Any thread. Ends with a full fence; false once the queue is closed.</summary>
    internal bool TryEnqueue(in WorkItem item)
    {
        bool isOpen = (Interlocked.Add(ref _gate, OnePoster) & Closed) == 0;
        if (isOpen)
            _items.Enqueue(item);
        Interlocked.Add(ref _gate, -OnePoster);
        return isOpen;
    }

    /// <summary>The loop's own posts: it is awake, and it alone closes the queue, so neither fence nor count is needed.</summary>
    internal bool TryEnqueueOnLoop(in WorkItem item)
    {
        if (IsClosed)
            return false;
        _items.Enqueue(item);
        return true;
    }

    internal bool TryDequeue(out WorkItem item) => _items.TryDequeue(out item);

    /// <summary>Refuses further items and waits, for as long as an enqueue takes, for posters that have passed the gate.</summary>
    internal void Close()
    {
        Interlocked.Or(ref _gate, Closed);
        var spinner = new SpinWait();
        while (Volatile.Read(ref _gate) != Closed)
            spinner.SpinOnce();
    }
}
