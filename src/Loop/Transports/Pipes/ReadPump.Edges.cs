using UnixLoop.Timers;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.Pipes;

// A grown pipe is edge-triggered while its turns bring more than a page: an edge comes when the writer has let go of the pipe, while
// a look at it finds the first page of a write that is under way, and the read(2) then spins for the pipe's lock (linux.md, rule 13).
// But an edge is told once, and nobody tells of what is left behind it. So epoll is asked once more, by EPOLL_CTL_MOD,
//  - at once after a turn that stopped at its limit, or that was told by levels;
//  - some time after any other, by a timer: in packet mode (O_DIRECT, pipe(2)) a short read is no proof that the pipe is empty. A
//    packet has at most a page, but where a writer has turned packet mode on behind plain bytes, a longer read may have ended at the
//    first of them, and a writer that then fills the pipe would sleep for ever.
internal sealed partial class ReadPump
{
    private static readonly uint ReadableEdges = (uint)(EPOLLIN | EPOLLET);

    /// <summary>How long a packet behind plain bytes may wait. One look for all reads of that time; none where nothing was read.</summary>
    private static readonly TimeSpan SecondLook = TimeSpan.FromMilliseconds(50);

    // Guarded by _gate.
    private LoopTimer? _secondLook;
    private bool _isSecondLookDue;

    /// <summary>With another clock than the system's the second look might never come.</summary>
    private bool MayUseEdges => _growth.IsGrown && _loop.HasSystemClock;

    /// <summary>After <paramref name="read"/> bytes of at most <paramref name="limit"/>: sees to it that what may be left is reported.</summary>
    private void ChooseTriggerNeedsLock(int read, int limit)
    {
        if (_state != State.Reading || _registration is null || !MayUseEdges)
            return;
        bool hasEdges = _registration.Events == ReadableEdges;
        bool isSmall = read > 0 && read <= PipeDefaults.LargestPacket;
        try
        {
            if (isSmall)
                _registration.Modify(Readable);
            else if (read >= limit || (read > 0 && !hasEdges))
                _registration.Rearm(ReadableEdges);
            else if (hasEdges && !_isSecondLookDue)
                ArmSecondLookNeedsLock();
        }
        catch (IOException e)
        {
            EndNeedsLock(e);
        }
    }

    private void ArmSecondLookNeedsLock()
    {
        _isSecondLookDue = true;
        _secondLook ??= _loop.CreateTimer(static pump => ((ReadPump)pump!).LookAgain(), this);
        _secondLook.Change(SecondLook, Timeout.InfiniteTimeSpan);
    }

    private void LookAgain()
    {
        bool ended = false;
        lock (_gate)
        {
            _isSecondLookDue = false;
            if (_state != State.Reading || _registration!.Events != ReadableEdges)
                return;
            try
            {
                _registration.Rearm(ReadableEdges);
            }
            catch (IOException e)
            {
                EndNeedsLock(e);
                ended = true;
            }
        }
        TellOwner(ended);
    }
}
