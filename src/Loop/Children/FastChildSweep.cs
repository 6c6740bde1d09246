using Microsoft.Extensions.Logging;
using UnixLoop.Interop;
using static UnixLoop.Interop.Libc;

namespace UnixLoop.Children;

// The scheme (linux.md, rules 14 and 16):
//
// - waitid(P_ALL, WNOWAIT) shows a zombie and leaves it. Ours is reaped by its pid, and the next one shown.
// - It always shows the same first zombie, so one of somebody else's hides all behind it. Then every own child is asked by its
//   pid, as SafeChildWatcher does; further exits bring SIGCHLDs of their own. Whether the stranger has gone is looked up after
//   10 ms, then ever more rarely.
// - A child of ours that somebody else has reaped is shown by nothing. So each sweep is followed by one that asks every child:
//   100 ms later if nobody was dead although SIGCHLD came, else a second later. Sweeps in between share it.
internal sealed unsafe class FastChildSweep(UnixEventLoop loop, ILogger logger, FastChildWatcher watcher) : ChildSweep(loop, logger)
{
    private static readonly TimeSpan s_firstLook = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_longestLook = TimeSpan.FromMilliseconds(640);
    private static readonly TimeSpan s_netForNobody = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_net = TimeSpan.FromSeconds(1);

    private readonly UnknownZombie _unknown = new(loop, logger, watcher);
    private TimeSpan _nextLook = s_firstLook;
    private bool _looksAgain;
    private TimeSpan _netIsOutFor = TimeSpan.MaxValue;

    /// <summary>One that was dead or gone already: a peek would not show the latter.</summary>
    internal override bool TryRequest(SignalWatch watch) => Loop.TryPost<object?>(AskAlone, watch);

    protected override void SweepOnLoop()
    {
        if (ReapOwnOnLoop(out bool nobody) is { } stranger)
        {
            AskEachOnLoop();
            LookAgainOnLoop(stranger);
        }
        else
        {
            CastNetOnLoop(nobody ? s_netForNobody : s_net);
        }
    }

    private void CastNetOnLoop(TimeSpan delay)
    {
        if (delay >= _netIsOutFor || IsEmpty)
            return;
        _netIsOutFor = delay;
        After(delay, () =>
        {
            _netIsOutFor = TimeSpan.MaxValue;
            AskEachOnLoop();
        });
    }

    /// <summary>Reaps own zombies as long as they stand first.</summary>
    /// <returns>The pid of one that is not ours, or can't be reaped; 0 if the question failed; null if there is none.</returns>
    private int? ReapOwnOnLoop(out bool nobody)
    {
        nobody = true;
        while (true)
        {
            siginfo_t info = default;
            PosixResult peeked = WaitId(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT, usage: null);
            if (peeked.IsError)
                return peeked.Errno == Tmds.Linux.LibC.ECHILD ? null : 0;
            if (info.si_pid == 0)
                return null;
            if (Find(info.si_pid) is not { } watch || watch.AskOnLoop() != CollectResult.Collected)
                return info.si_pid;
            nobody = false;
        }
    }

    private void LookAgainOnLoop(int stranger)
    {
        if (_looksAgain)
            return;
        if (stranger != 0 && Find(stranger) is null && _unknown.TryReapOnLoop(stranger))
            _nextLook = s_firstLook; // there may be more of them
        _looksAgain = true;
        After(_nextLook, () =>
        {
            _looksAgain = false;
            if (IsEmpty && (IsRetired || !watcher.ReapsUnknownChildren))
                return;
            if (ReapOwnOnLoop(out _) is { } still)
                LookAgainOnLoop(still);
            else
                _nextLook = s_firstLook;
        });
        _nextLook = _nextLook < s_longestLook ? 2 * _nextLook : s_longestLook;
    }
}
