using UnixLoop.Interop;
using UnixLoop.Timers;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.Pipes;

// A grown pipe is edge-triggered: an edge comes when the writer has let go of the pipe, while a look at it finds the first page of a
// write that is under way, and the read(2) then spins for the pipe's lock (linux.md, rule 13). But an edge is told once, and nobody
// tells of what is left behind it. So epoll is asked once more, by EPOLL_CTL_MOD,
//  - after a turn that stopped at its limit, that found nothing, or whose event was the last of the small pipe;
//  - some time after any other, by a timer: in packet mode (O_DIRECT, pipe(2)) a short read is no proof that the pipe is empty.
//    One of at most a page may be a packet, and is followed by another read; but where a writer has turned packet mode on behind
//    plain bytes, a longer one may have ended at the first packet. A writer that then fills the pipe would sleep for ever.
internal sealed partial class ReadPump
{
    private static readonly uint ReadableEdges = (uint)(EPOLLIN | EPOLLET);

    /// <summary>How long a packet behind plain bytes may wait. One look for all reads of that time; none where nothing was read.</summary>
    private static readonly TimeSpan SecondLook = TimeSpan.FromMilliseconds(50);

    // Guarded by _gate.
    private LoopTimer? _secondLook;
    private bool _isSecondLookDue;

    private bool MayBePacket(PosixResult read) => _growth.IsGrown && read.Value <= PipeDefaults.LargestPacket;

    /// <summary>After <paramref name="read"/> bytes of at most <paramref name="limit"/>: sees to it that what may be left is reported.</summary>
    private void LookOnNeedsLock(int read, int limit)
    {
        if (_state != State.Reading || !_growth.IsGrown || _registration is null)
            return;
        if (read == 0 || read >= limit || _registration.Events != ReadableEdges)
        {
            RearmNeedsLock();
        }
        else if (!_isSecondLookDue)
        {
            _isSecondLookDue = true;
            _secondLook ??= _loop.CreateTimer(static pump => ((ReadPump)pump!).OnSecondLook(), this);
            _secondLook.Change(SecondLook, Timeout.InfiniteTimeSpan);
        }
    }

    private void OnSecondLook()
    {
        bool ended = false;
        lock (_gate)
        {
            _isSecondLookDue = false;
            if (_state == State.Reading)
            {
                RearmNeedsLock();
                ended = _state == State.Ended;
            }
        }
        if (ended)
            _owner.OnEnded(this);
        _noted.Write();
    }

    /// <summary>Has what is in the pipe now reported, and what is written from now on.</summary>
    private void RearmNeedsLock()
    {
        try
        {
            if (_growth.IsGrown)
                _registration!.Rearm(ReadableEdges);
            else
                _registration!.Modify(Readable);
        }
        catch (IOException e)
        {
            EndNeedsLock(e);
        }
    }
}
