namespace UnixLoop.Timers;

/// <summary>
/// A binary heap by deadline that knows where each timer stands, so that a cancelled one leaves at once: nothing of it is kept
/// until its deadline. Timers of one deadline fire in the order in which they were armed. Loop thread only.
/// </summary>
internal sealed class TimerHeap
{
    private LoopTimer[] _items = new LoopTimer[16];
    private long _sequence;

    internal int Count { get; private set; }

    /// <summary>The earliest timer, or null.</summary>
    internal LoopTimer? First => Count == 0 ? null : _items[0];

    /// <summary>Puts the timer in, or moves it if it is there already.</summary>
    internal void Arm(LoopTimer timer, long deadline)
    {
        timer.Deadline = deadline;
        timer.Sequence = ++_sequence;
        if (timer.HeapIndex < 0)
        {
            if (Count == _items.Length)
                Array.Resize(ref _items, Count * 2);
            timer.HeapIndex = Count;
            _items[Count++] = timer;
        }
        Settle(timer);
    }

    /// <summary>Takes the timer out, if it is there.</summary>
    internal void Disarm(LoopTimer timer)
    {
        int index = timer.HeapIndex;
        if (index < 0)
            return;
        timer.HeapIndex = -1;
        LoopTimer last = _items[--Count];
        _items[Count] = null!;
        if (ReferenceEquals(last, timer))
            return;
        Place(last, index);
        Settle(last);
    }

    private void Settle(LoopTimer timer)
    {
        int index = timer.HeapIndex;
        while (index > 0 && IsBefore(timer, _items[(index - 1) / 2]))
        {
            int parent = (index - 1) / 2;
            Place(_items[parent], index);
            index = parent;
        }
        for (int child = index * 2 + 1; child < Count; child = index * 2 + 1)
        {
            if (child + 1 < Count && IsBefore(_items[child + 1], _items[child]))
                child++;
            if (!IsBefore(_items[child], timer))
                break;
            Place(_items[child], index);
            index = child;
        }
        Place(timer, index);
    }

    private void Place(LoopTimer timer, int index)
    {
        _items[index] = timer;
        timer.HeapIndex = index;
    }

    private static bool IsBefore(LoopTimer a, LoopTimer b) =>
        a.Deadline != b.Deadline ? a.Deadline < b.Deadline : a.Sequence < b.Sequence;
}
