using System.IO.Pipelines;
using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;
using UnixLoop.Transports.SendFile;

namespace UnixLoop.Transports.UnixSockets;

// The socket can be lent to a splice into a pipe: the loop then receives nothing, and tells the borrower when there is something.
// Not where descriptors are received: splice(2) drops what comes with the bytes (unix(7), SCM_RIGHTS).
internal sealed partial class SocketInput : ISpliceSource
{
    // Guarded by _gate.
    private ISpliceBorrower? _borrower;

    bool ISpliceSource.IsPipe => false;

    /// <summary>Inside the kernel (splice(2)) where the writer is a pipe's, as a child's input; else by copying.</summary>
    public override async Task CopyToAsync(PipeWriter destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (!await SpliceTransfer.TryCopyAsync(this, this, destination, cancellationToken).ConfigureAwait(false))
            await PipeCopy.CopyAsync(this, destination, cancellationToken).ConfigureAwait(false);
    }

    bool ISpliceSource.TryLend(ISpliceBorrower borrower)
    {
        lock (_gate)
        {
            if (Receiver is not null || _isOver || _isCompleted || _borrower is not null)
                return false;
            _borrower = borrower;
            _connection.Anchor.Reading = _connection;
            _connection.SetInterest(ConnectionDirections.Input, false);
            return true;
        }
    }

    void ISpliceSource.WantReadable(bool wanted)
    {
        lock (_gate)
        {
            if (_borrower is not null && !_isOver)
                _connection.SetInterest(ConnectionDirections.Input, wanted);
        }
    }

    PosixResult? ISpliceSource.Splice(int to, int count)
    {
        lock (_gate)
        {
            if (_borrower is null || _isOver)
                return null;
            PosixResult moved = Libc.Splice(_connection.Descriptor, to, count);
            if (moved.Value > 0)
            {
                CountReceivedNeedsLock(moved.IntValue);
                _connection.OnReceived(moved.IntValue);
            }
            return moved;
        }
    }

    void ISpliceSource.TakeBack(bool isAtEnd, Exception? failure)
    {
        bool isOver = false;
        lock (_gate)
        {
            _borrower = null;
            _connection.Anchor.Reading = null;
            if (!_isOver && !isAtEnd && failure is null)
            {
                _isPaused = _unexamined > _options.InputLowWaterMark;
                _connection.SetInterest(ConnectionDirections.Input, !_isPaused);
            }
            else if (!_isOver)
            {
                OverNeedsLock(failure);
                isOver = true;
            }
        }
        if (isOver)
            _connection.OnDirectionOver(ConnectionDirections.Input);
        _connection.WriteNoted();
    }

    /// <summary>A cancelled read is the borrower's while there is one; false if there is none.</summary>
    private bool TryCancelBorrowersRead()
    {
        ISpliceBorrower? borrower;
        lock (_gate)
            borrower = _borrower;
        return borrower?.TryCancelRead() ?? false;
    }
}
