namespace UnixLoop.Children;

/// <summary>Looks out for a child in the orphan queue.</summary>
internal sealed class OrphanWatch(WatchedChild child, OrphanQueue queue) : ChildWatch
{
    private volatile bool _ended;

    internal WatchedChild Child => child;

    internal bool HasEnded => _ended;

    /// <summary>
    /// Whether poll(2) can't sleep on its pidfd: there is none, it is always readable, or it is no child of ours, whose end we
    /// must not wait for. The queue's thread only.
    /// </summary>
    internal bool NeedsSweep { get; set; } = child.Pidfd is null || ChildReaper.Peek(child) == PeekResult.Gone;

    /// <summary>Whether the child may have ended. The queue's thread only.</summary>
    internal bool IsDue { get; set; }

    internal override TimeSpan RetryInterval => TimeSpan.FromMilliseconds(OrphanQueue.SweepMilliseconds);

    internal override bool Suspend() => true;

    internal override void End()
    {
        if (_ended)
            return;
        _ended = true;
        queue.Wake();
    }
}
