using System.Diagnostics.CodeAnalysis;
using UnixLoop.Interop;

namespace UnixLoop.Children;

/// <summary>
/// Reaps the children that have no loop: those whose loop ended first, or whose watcher was disposed while it had none. One for
/// the whole process, with one thread, which is there only while there is something to do.
/// </summary>
/// <remarks>
/// The thread sleeps in poll(2) on the children's pidfds and on an eventfd that announces news. Where a child has no pidfd, or
/// one that is readable although the child can't be reaped yet (linux.md, rule 1), it looks every 100 ms instead. Handlers are
/// called on this thread if their loop takes no posts any more. Members that end in OnThread belong to it alone.
/// </remarks>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "The thread disposes the eventfd as it ends.")]
internal sealed partial class OrphanQueue(TimeProvider clock)
{
    private static readonly TimeSpan s_nextTry = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly List<OrphanWatch> _adopted = [];
    private readonly List<Delivery> _deliveries = [];
    private UnixHandle? _wake;
    private ITimer? _nextTry;
    private bool _threadRuns;
    private bool _news;

    internal static OrphanQueue Shared { get; } = new(TimeProvider.System);

    /// <summary>Looks out for <paramref name="child"/> from now on. Called under the gate of the child's registry.</summary>
    internal OrphanWatch Adopt(WatchedChild child)
    {
        OrphanWatch orphan = new(child, this);
        lock (_gate)
        {
            _adopted.Add(orphan);
            Announce(child.Registry);
        }
        ChildrenLog.Orphaned(child.Registry.Logger, child.Pid);
        return orphan;
    }

    /// <summary>Calls a handler whose loop has ended.</summary>
    internal void Tell(Delivery delivery)
    {
        lock (_gate)
        {
            _deliveries.Add(delivery);
            Announce(delivery.Registry);
        }
    }

    /// <summary>An orphan has ended: the thread lets go of it.</summary>
    internal void Wake()
    {
        lock (_gate)
        {
            if (_threadRuns)
                Signal();
        }
    }

    private void Announce(ChildRegistry registry)
    {
        if (_threadRuns)
        {
            Signal();
            return;
        }
        try
        {
            new Thread(RunOnThread) { IsBackground = true, Name = "unix-orphans" }.Start();
            _threadRuns = true;
            _nextTry?.Dispose();
            _nextTry = null;
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            ChildrenLog.NoOrphanThread(registry.Logger, e);
            TryAgainLater();
        }
    }

    private void TryAgainLater()
    {
        try
        {
            _nextTry ??= clock.CreateTimer(static queue => ((OrphanQueue)queue!).TryAgain(), this, s_nextTry, s_nextTry);
        }
        catch (OutOfMemoryException)
        {
            // The process's first timer needs a thread too. Then the next orphan tries again.
        }
    }

    private void TryAgain()
    {
        lock (_gate)
        {
            if (!_threadRuns && _adopted.Count + _deliveries.Count > 0)
                Announce(_adopted.Count > 0 ? _adopted[0].Child.Registry : _deliveries[0].Registry);
        }
    }

    private void Signal()
    {
        if (_news)
            return;
        _news = true;
        if (_wake is not null)
            Libc.EventFdWrite(_wake.Descriptor);
    }
}
