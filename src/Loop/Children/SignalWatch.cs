namespace UnixLoop.Children;

/// <summary>Looks out for a child by asking for it when SIGCHLD has come, together with others (<see cref="ChildSweep"/>).</summary>
internal sealed class SignalWatch(WatchedChild child, ChildSweep sweep) : ChildWatch
{
    internal int Pid => child.Pid;

    /// <summary>A <see cref="StartChildWatch"/>.</summary>
    internal static ChildWatch Start(WatchedChild child, UnixEventLoop loop)
    {
        SignalWatch watch = new(child, child.Registry.Sweep!);
        // In the table before it is asked: a child that dies after the question has its SIGCHLD answered by a sweep.
        if (watch.Sweep.TryInsert(watch) && (ChildReaper.Peek(child) == PeekResult.Alive || watch.Sweep.TryRequest(watch)))
            return watch;
        watch.End();
        return OrphanQueue.Shared.Adopt(child); // the loop has ended meanwhile
    }

    internal ChildSweep Sweep => sweep;

    /// <summary>Asks for the child, and tells its handler if it is dead: here, or through the queue of its own loop.</summary>
    internal CollectResult AskOnLoop()
    {
        ChildRegistry registry = child.Registry;
        CollectResult result = registry.Collect(child, this, out ExitNotice notice);
        if (result == CollectResult.Again)
            sweep.After(RetryInterval, () => AskOnLoop(), Orphan);
        else if (result == CollectResult.Collected && notice.Loop is { IsOnLoopThread: false })
            registry.Deliver(notice);
        else if (result == CollectResult.Collected)
            registry.Tell(notice);
        return result;
    }

    internal void Orphan() => child.Registry.Orphan(child, this);

    internal override bool Suspend()
    {
        End();
        return false;
    }

    internal override void End() => sweep.Remove(this);

    public override string ToString() => $"child {child.Pid}";
}
