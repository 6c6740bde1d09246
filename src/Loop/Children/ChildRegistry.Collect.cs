namespace UnixLoop.Children;

internal sealed partial class ChildRegistry
{
    // Long enough for a foreign reap under way to finish on a loaded machine; then the child is given up.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Reaps a child that <paramref name="watch"/> believes dead: handler.OnExiting, then the reap, or the reap alone under an <see cref="IReapGuard"/>. The caller then hands
    /// <paramref name="notice"/> to <see cref="Tell"/> or <see cref="Deliver"/>.
    /// </summary>
    /// <remarks>Any thread, without the gate.</remarks>
    internal CollectResult Collect(WatchedChild child, ChildWatch watch, out ExitNotice notice)
    {
        notice = default;
        ReapResult reap;
        ChildExitStatus status;
        while (true)
        {
            IChildExitHandler handler;
            lock (_gate)
            {
                if (child.Watch != watch)
                    return CollectResult.NotOurs;
                if (IsLeftToNextAttachNeedsLock(child, watch))
                    return CollectResult.NotOurs;
                handler = child.Handler;
                if (handler is IReapGuard guard && guard.TryBeginReap())
                {
                    reap = ReapGuarded(child, guard, out status);
                    if (SettleNeedsLock(child, watch, handler, reap, status, ref notice) is { } settled)
                        return settled;
                    break;
                }
            }
            if (CollectWithNotice(child, watch, handler, out reap, out status, ref notice) is not { } result)
                continue;
            if (result != CollectResult.Collected)
                return result;
            break;
        }
        bool isReaped = reap is not (ReapResult.Failed or ReapResult.BeingReapedElsewhere); // else given up: it may live
        if (isReaped && child.ClosesPidfdAtExit(notice.Handler))
            watch.EndReaped();
        else
            watch.End();
        child.ReleasePidfd();
        Log(child.Pid, reap, status);
        return CollectResult.Collected;
    }

    private static ReapResult ReapGuarded(WatchedChild child, IReapGuard guard, out ChildExitStatus status)
    {
        bool isDead = false;
        try
        {
            ReapResult reap = ChildReaper.Reap(child, out status);
            isDead = reap is not (ReapResult.NotYet or ReapResult.Failed);
            return reap;
        }
        finally
        {
            guard.EndReap(isDead);
        }
    }

    /// <summary>With OnExiting between a look at the child and its reap; null if meanwhile somebody else became the handler.</summary>
    private CollectResult? CollectWithNotice(
        WatchedChild child, ChildWatch watch, IChildExitHandler handler, out ReapResult reap, out ChildExitStatus status, ref ExitNotice notice)
    {
        (reap, status) = (default, default);
        PeekResult peek;
        lock (_gate)
        {
            // Under the gate: a Remove in between would let go of the pidfd.
            if (child.Watch != watch)
                return CollectResult.NotOurs;
            peek = ChildReaper.Peek(child);
        }
        if (peek == PeekResult.Alive)
            return CollectResult.NotYet;
        // A child that somebody else has reaped has no number any more that OnExiting could speak of.
        if (peek == PeekResult.Dead)
            TellExiting(handler, child.Pid);
        lock (_gate)
        {
            if (child.Watch != watch)
                return CollectResult.NotOurs;
            // Detached meanwhile, by OnExiting itself perhaps.
            if (IsLeftToNextAttachNeedsLock(child, watch))
                return CollectResult.NotOurs;
            if (child.Handler != handler && peek == PeekResult.Dead)
                return null;
            reap = ChildReaper.Reap(child, out status);
            return SettleNeedsLock(child, watch, child.Handler, reap, status, ref notice) ?? CollectResult.Collected;
        }
    }

    /// <summary>Where no loop is there to be told on: the next Attach looks for the child anew.</summary>
    private bool IsLeftToNextAttachNeedsLock(WatchedChild child, ChildWatch watch)
    {
        if (_loop is not null || _disposed || !watch.ReportsOnlyWhenAttached)
            return false;
        child.Watch = null;
        return true;
    }

    /// <summary>Null when the child is reaped; the notice is made then.</summary>
    private CollectResult? SettleNeedsLock(
        WatchedChild child, ChildWatch watch, IChildExitHandler handler, ReapResult reap, in ChildExitStatus status, ref ExitNotice notice)
    {
        if (reap == ReapResult.NotYet)
            return CollectResult.NotYet;
        if (reap is ReapResult.BeingReapedElsewhere or ReapResult.Failed && ++child.PostponedReaps * watch.RetryInterval < s_patience)
            return CollectResult.Again;
        ForgetNeedsLock(child);
        notice = new ExitNotice(handler, child.Pid, status, child.TellOn ?? _loop);
        return null;
    }

    private void ForgetNeedsLock(WatchedChild child)
    {
        child.Watch = null;
        // A displaced child is no longer in the table; the pid's entry is then another's (Add).
        if (_children.Remove(child.Pid, out WatchedChild? entry) && entry != child)
            _children.Add(child.Pid, entry);
    }

    /// <summary>Calls the handler here: on the loop's thread, or on the orphan queue's once the loop has ended.</summary>
    internal void Tell(in ExitNotice notice)
    {
        try
        {
            notice.Handler.OnExited(notice.Pid, notice.Status);
        }
#pragma warning disable CA1031 // A handler's exception goes to the loop, whatever it is.
        catch (Exception e)
#pragma warning restore CA1031
        {
            ReportUnhandled("A child's exit handler threw.", notice.Pid, e);
        }
    }

    /// <summary>Brings the notice to the loop's thread, or, once the loop has ended, to the orphan queue's.</summary>
    internal void Deliver(in ExitNotice notice)
    {
        Delivery delivery = new(this, notice);
        // The callback's type lets it run on the thread pool where a loop never runs or faults (WorkItem).
        if (notice.Loop is not { } loop || !loop.TryPost<object?>(static delivery => Arrive((Delivery)delivery!), delivery))
            OrphanQueue.Shared.Tell(delivery);
    }

    private static void Arrive(Delivery delivery)
    {
        if (delivery.Notice.Loop!.IsOnLoopThread)
            delivery.Registry.Tell(delivery.Notice);
        else
            OrphanQueue.Shared.Tell(delivery);
    }

    private void TellExiting(IChildExitHandler handler, int pid)
    {
        try
        {
            handler.OnExiting(pid);
        }
#pragma warning disable CA1031 // As in Tell.
        catch (Exception e)
#pragma warning restore CA1031
        {
            ReportUnhandled("A child's exit handler threw before the reap.", pid, e);
        }
    }

    private void ReportUnhandled(string message, int pid, Exception exception)
    {
        UnhandledExceptionContext context = new(message, exception, this) { ProcessId = pid };
        UnixEventLoop? loop = UnixEventLoop.Current ?? _loop;
        if (loop is { IsOnLoopThread: true })
            loop.ReportUnhandled(context);
        else if (loop is null || !loop.TryPost(static report => report.Loop.ReportUnhandled(report.Context), new Report(loop, context)))
            ChildrenLog.HandlerFailed(Logger, pid, exception);
    }

    private void Log(int pid, ReapResult reap, in ChildExitStatus status)
    {
        if (reap == ReapResult.Recovered)
            ChildrenLog.StatusRecovered(Logger, pid, status);
        else if (reap is ReapResult.ReapedElsewhere or ReapResult.BeingReapedElsewhere)
            ChildrenLog.ReapedElsewhere(Logger, pid);
        else if (reap == ReapResult.Failed)
            ChildrenLog.WaitFailed(Logger, pid);
    }

    private sealed record Report(UnixEventLoop Loop, UnhandledExceptionContext Context);
}

internal enum CollectResult
{
    /// <summary>Reaped, by us or somebody else: the notice says for whom and how.</summary>
    Collected,

    /// <summary>It lives, or is dead and still held by a tracer (linux.md, rule 1).</summary>
    NotYet,

    /// <summary>Ask again after <see cref="ChildWatch.RetryInterval"/>.</summary>
    Again,

    /// <summary>Removed, told of already, or watched by another watch.</summary>
    NotOurs,
}

/// <summary>Whom to tell what, and on which loop; null where the watcher had none.</summary>
internal readonly record struct ExitNotice(IChildExitHandler Handler, int Pid, ChildExitStatus Status, UnixEventLoop? Loop);

/// <summary>A notice under way to another thread.</summary>
internal sealed record Delivery(ChildRegistry Registry, ExitNotice Notice);
