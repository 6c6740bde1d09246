namespace UnixLoop.Subprocesses;

/// <summary>The children of a factory that have not been reaped: a list through the children themselves. Thread-safe.</summary>
internal sealed class LiveChildren
{
    private readonly Lock _gate = new();

    // Guarded by _gate, and so are the children's links.
    private ChildProcess? _first;
    private bool _isClosed;

    internal bool IsClosed => Volatile.Read(ref _isClosed);

    /// <summary>False once the factory stops: the child must go.</summary>
    internal bool TryAdd(ChildProcess child)
    {
        lock (_gate)
        {
            if (_isClosed)
                return false;
            child.Next = _first;
            if (_first is not null)
                _first.Previous = child;
            _first = child;
            return true;
        }
    }

    /// <summary>Harmless for a child that was never added.</summary>
    internal void Remove(ChildProcess child)
    {
        lock (_gate)
        {
            if (child.Previous is not null)
                child.Previous.Next = child.Next;
            else if (ReferenceEquals(_first, child))
                _first = child.Next;
            if (child.Next is not null)
                child.Next.Previous = child.Previous;
            child.Next = child.Previous = null;
        }
    }

    /// <summary>Refuses further children and returns those that live.</summary>
    internal List<ChildProcess> Close()
    {
        List<ChildProcess> children = [];
        lock (_gate)
        {
            _isClosed = true;
            for (ChildProcess? child = _first; child is not null; child = child.Next)
                children.Add(child);
        }
        return children;
    }
}
