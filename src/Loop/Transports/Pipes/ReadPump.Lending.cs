using UnixLoop.Interop;

namespace UnixLoop.Transports.Pipes;

// The pipe can be lent to a splice: the pump then reads nothing, and tells the borrower when there is something to read.
internal sealed partial class ReadPump
{
    // Guarded by _gate.
    private IPipeBorrower? _borrower;

    /// <summary>Lends the pipe until <see cref="TakeBack"/>. What was read before is in the sink.</summary>
    /// <returns>False for what is no pipe, and after the end.</returns>
    internal bool TryLend(IPipeBorrower borrower)
    {
        lock (_gate)
        {
            if (!_end.IsPipe || _state is not (State.Reading or State.Paused))
                return false;
            _registration!.Modify(0);
            _borrower = borrower;
            _state = State.Lent;
            return true;
        }
    }

    /// <summary>For the borrower; nothing once the pipe has gone.</summary>
    /// <exception cref="IOException">epoll_ctl(2) failed.</exception>
    internal void WantReadable(bool wanted)
    {
        lock (_gate)
        {
            if (_state == State.Lent)
                _registration!.Modify(wanted ? Readable : 0);
        }
    }

    /// <summary>splice(2) from the pipe, for the borrower; null once the pipe has gone.</summary>
    internal PosixResult? Splice(int to, int count)
    {
        lock (_gate)
            return _state == State.Lent ? Libc.Splice(_end.Descriptor, to, count) : null;
    }

    /// <summary>Reads on, or ends if the borrower has met the end of file.</summary>
    internal void TakeBack(bool isAtEnd)
    {
        bool ended;
        lock (_gate)
        {
            if (_state != State.Lent)
                return;
            _borrower = null;
            _state = State.Reading;
            if (isAtEnd)
                EndNeedsLock(null);
            else
                ReadOnNeedsLock();
            ended = _state == State.Ended;
        }
        if (ended)
            _owner.OnEnded(this);
    }

    private void ReadOnNeedsLock()
    {
        try
        {
            _registration!.Modify(Readable);
        }
        catch (IOException e)
        {
            EndNeedsLock(e);
        }
    }
}
