namespace UnixLoop.Children;

/// <summary>Looks out for a child by asking for it every 100 ms on the loop: needs no descriptor and no thread of its own.</summary>
/// <remarks>
/// For a child that was gone when it was added, whose handler must be called after Add has returned; and for one that can have
/// neither a pidfd nor a thread, which goes together: the runtime opens a pipe for each thread. Every 30 s the watcher's own way
/// is tried again.
/// </remarks>
internal sealed class SweepWatch : ChildWatch
{
    private const int TicksUntilNextTry = 300;

    private readonly WatchedChild _child;
    private readonly UnixEventLoop _loop;
    private ITimer? _timer;
    private int _ticks;

    private SweepWatch(WatchedChild child, UnixEventLoop loop) => (_child, _loop) = (child, loop);

    internal override TimeSpan RetryInterval => TimeSpan.FromMilliseconds(100);

    /// <summary>A <see cref="StartChildWatch"/>.</summary>
    internal static ChildWatch Start(WatchedChild child, UnixEventLoop loop)
    {
        SweepWatch watch = new(child, loop);
        // The gate is held: a tick that comes before this assignment waits for it.
        watch._timer = loop.TimeProvider.CreateTimer(static watch => ((SweepWatch)watch!).Tick(), watch, TimeSpan.Zero, watch.RetryInterval);
        return watch;
    }

    internal override bool Suspend()
    {
        End();
        return false;
    }

    internal override void End() => _timer?.Dispose();

    private void Tick()
    {
        ChildRegistry registry = _child.Registry;
        if (!_loop.IsOnLoopThread)
        {
            registry.Orphan(_child, this); // the loop has ended, and its timers go on elsewhere
            return;
        }
        CollectResult result = registry.Collect(_child, this, out ExitNotice notice);
        if (result == CollectResult.Collected)
            registry.Tell(notice);
        else if (result == CollectResult.NotYet && ++_ticks >= TicksUntilNextTry)
            registry.Rewatch(_child, this);
    }
}
