using Tmds.Linux;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Children;

internal sealed unsafe partial class OrphanQueue
{
    internal const int SweepMilliseconds = 100;

    private void RunOnThread()
    {
        List<OrphanWatch> orphans = [];
        pollfd[] polled = [];
        while (TakeNewsOnThread(orphans, out Delivery[] deliveries))
        {
            foreach (Delivery delivery in deliveries)
            {
                if (delivery.Notice.Handler is not ILeftAlone { IsLeftAlone: true })
                    ChildrenLog.ToldOffLoop(delivery.Registry.Logger, delivery.Notice.Pid, delivery.Notice.Status);
                delivery.Registry.Tell(delivery.Notice);
            }
            if (orphans.Count == 0)
                continue;
            WaitOnThread(orphans, ref polled);
            orphans.RemoveAll(static orphan => orphan.IsDue && IsDoneOnThread(orphan));
        }
    }

    /// <summary>False when there is nothing to do: the thread's turn to end.</summary>
    private bool TakeNewsOnThread(List<OrphanWatch> orphans, out Delivery[] deliveries)
    {
        lock (_gate)
        {
            if (_news && _wake is not null)
                Libc.EventFdRead(_wake.Descriptor);
            _news = false;
            orphans.AddRange(_adopted);
            _adopted.Clear();
            orphans.RemoveAll(static orphan => orphan.HasEnded);
            deliveries = [.. _deliveries];
            _deliveries.Clear();
            _threadRuns = orphans.Count > 0 || deliveries.Length > 0;
            if (!_threadRuns)
            {
                _wake?.Dispose();
                _wake = null;
            }
            else if (_wake is null && Libc.EventFd() is { IsSuccess: true } made)
            {
                _wake = new UnixHandle(made.IntValue);
            }
            return _threadRuns;
        }
    }

    /// <summary>Sleeps until there is news or an orphan may have ended; marks those that are due for a look.</summary>
    private void WaitOnThread(List<OrphanWatch> orphans, ref pollfd[] polled)
    {
        if (polled.Length <= orphans.Count)
            polled = new pollfd[2 * (orphans.Count + 1)];
        int count = 0;
        bool sweeps = _wake is null;
        polled[count++] = new pollfd { fd = _wake?.Descriptor ?? -1, events = POLLIN }; // poll(2) skips negative descriptors
        foreach (OrphanWatch orphan in orphans)
        {
            sweeps |= orphan.NeedsSweep;
            if (!orphan.NeedsSweep)
                polled[count++] = new pollfd { fd = orphan.Child.PidfdNumber, events = POLLIN };
        }
        PosixResult result;
        fixed (pollfd* p = polled)
            result = Libc.Poll(p, count, sweeps ? SweepMilliseconds : -1);
        if (result.IsError)
            Libc.Poll(descriptors: null, count: 0, SweepMilliseconds); // EINVAL (RLIMIT_NOFILE was lowered), ENOMEM: look at all
        int next = 1;
        foreach (OrphanWatch orphan in orphans)
            orphan.IsDue = result.IsError || (orphan.NeedsSweep ? result.Value == 0 : polled[next++].revents != 0);
    }

    private static bool IsDoneOnThread(OrphanWatch orphan)
    {
        ChildRegistry registry = orphan.Child.Registry;
        switch (registry.Collect(orphan.Child, orphan, out ExitNotice notice))
        {
            case CollectResult.Collected:
                registry.Deliver(notice);
                return true;
            case CollectResult.NotOurs:
                return true;
            default:
                orphan.NeedsSweep = true; // readable all the time from now on
                return false;
        }
    }
}
