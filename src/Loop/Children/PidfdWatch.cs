using UnixLoop.Interop;
using UnixLoop.Selector;
using static Tmds.Linux.LibC;

namespace UnixLoop.Children;

/// <summary>Looks out for a child through its pidfd in the loop's selector.</summary>
/// <remarks>
/// Edge-triggered: the pidfd of a child that died under a tracer is readable while waitid(2) says "nothing yet", and stays so
/// until the tracer lets go, which gives another edge (linux.md, rule 1). The timer is the net under that edge.
/// </remarks>
internal sealed class PidfdWatch(WatchedChild child, UnixEventLoop loop) : ChildWatch, IReadyHandler
{
    private static readonly TimeSpan s_tracedRetry = TimeSpan.FromSeconds(1);

    private SelectorRegistration? _registration;
    private IDisposable? _retry;

    /// <summary>A <see cref="StartChildWatch"/>. A child whose pidfd can't be had or registered gets a thread.</summary>
    internal static ChildWatch Start(WatchedChild child, UnixEventLoop loop)
    {
        PidfdWatch watch = new(child, loop);
        if (child.Pidfd is not null)
            return watch.Register();

        PosixResult opened = Libc.PidfdOpen(child.Pid);
        if (opened.IsSuccess)
        {
            child.OwnPidfd(new UnixHandle(opened.IntValue));
            // Not ours any more? Then it is a stranger that has the number, whose end we must not wait for (linux.md, rule 7).
            return ChildReaper.Peek(child) == PeekResult.Gone ? SweepWatch.Start(child, loop) : watch.Register();
        }
        if (opened.Errno == ESRCH)
            return SweepWatch.Start(child, loop);
        ChildrenLog.PidfdNotWatched(child.Registry.Logger, child.Pid, PosixError.ToException(opened, "pidfd_open").Message);
        return WaitThread.Start(child, loop);
    }

    private ChildWatch Register()
    {
        try
        {
            // The gate is held: an event that comes before this assignment waits in Collect.
            _registration = loop.Selector.Register(child.Pidfd!, unchecked((uint)(EPOLLIN | EPOLLET)), this);
            return this;
        }
        catch (ObjectDisposedException)
        {
            return OrphanQueue.Shared.Adopt(child); // the loop has ended meanwhile
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or ArgumentException)
        {
            ChildrenLog.PidfdNotWatched(child.Registry.Logger, child.Pid, e.Message);
            return WaitThread.Start(child, loop);
        }
    }

    public override string ToString() => $"the pidfd of child {child.Pid}";

    void IReadyHandler.OnReady(uint events) => Collect();

    void IReadyHandler.OnLoopEnded() => child.Registry.Orphan(child, this);

    internal override bool Suspend()
    {
        End();
        return false;
    }

    internal override void End()
    {
        _registration?.Dispose();
        _retry?.Dispose();
    }

    internal override void EndReaped()
    {
        _registration?.Abandon();
        _retry?.Dispose();
    }

    private void Collect()
    {
        loop.AssertOnLoop();
        switch (child.Registry.Collect(child, this, out ExitNotice notice))
        {
            case CollectResult.Collected:
                child.Registry.Tell(notice);
                break;
            case CollectResult.NotYet:
                RetryAfter(s_tracedRetry);
                break;
            case CollectResult.Again:
                RetryAfter(RetryInterval);
                break;
        }
    }

    private void RetryAfter(TimeSpan delay)
    {
        _retry?.Dispose();
        try
        {
            _retry = loop.Schedule(delay, Collect);
        }
        catch (ObjectDisposedException)
        {
            child.Registry.Orphan(child, this);
        }
    }
}
