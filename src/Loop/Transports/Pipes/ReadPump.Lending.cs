using UnixLoop.Interop;
using UnixLoop.Transports.SendFile;

namespace UnixLoop.Transports.Pipes;

// The pipe can be lent to a splice: the pump then reads nothing, and tells the borrower when there is something to read. Not while
// the sink has bytes that its reader does not see yet: the splice would overtake them.
internal sealed partial class ReadPump : ISpliceSource
{
    // Guarded by _gate.
    private ISpliceBorrower? _borrower;

    bool ISpliceSource.IsPipe => _end.IsPipe;

    public bool TryLend(ISpliceBorrower borrower)
    {
        lock (_gate)
        {
            if (!_end.IsPipe || _state is not (State.Reading or State.Paused) || _hasUnflushed)
                return false;
            _registration!.Modify(0);
            _borrower = borrower;
            _state = State.Lent;
            return true;
        }
    }

    public void WantReadable(bool wanted)
    {
        lock (_gate)
        {
            if (_state == State.Lent)
                _registration!.Modify(wanted ? Readable : 0);
        }
    }

    public PosixResult? Splice(int to, int count)
    {
        lock (_gate)
            return _state == State.Lent ? Libc.Splice(_end.Descriptor, to, count) : null;
    }

    /// <summary>A cancelled read is the borrower's while there is one; false if there is none.</summary>
    internal bool TryCancelBorrowersRead()
    {
        ISpliceBorrower? borrower;
        lock (_gate)
            borrower = _borrower;
        return borrower?.TryCancelRead() ?? false;
    }

    public void TakeBack(bool isAtEnd, Exception? failure)
    {
        bool ended;
        lock (_gate)
        {
            if (_state != State.Lent)
                return;
            _borrower = null;
            _state = State.Reading;
            if (isAtEnd || failure is not null)
                EndNeedsLock(failure);
            else
                ReadOnNeedsLock();
            ended = _state == State.Ended;
        }
        TellOwner(ended);
    }

    /// <summary>The sink may still be full, as it was before: what is read then stays out of its reader's sight.</summary>
    private void ReadOnNeedsLock()
    {
        FlushNeedsLock();
        if (_state != State.Reading)
            return;
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
