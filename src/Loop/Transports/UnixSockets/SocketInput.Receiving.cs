using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;
using UnixLoop.Transports.SendFile;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

// The loop's side: the socket is read in batches, until a read comes back short. What is left is the next turn's, since epoll is
// level-triggered.
internal sealed partial class SocketInput
{
    /// <summary>Below this the rest of a segment is not worth a recv(2).</summary>
    private const int SmallestRoom = 256;

    // Guarded by _gate.
    private bool _isPaused;

    /// <summary>Nothing comes any more: end of file, a failure, or the connection's end.</summary>
    private bool _isOver;
    private Exception? _failure;
    private int _nextSize = BufferSegment.Small;
    private long _bytesReceived;
    private long _receives;
    private long _lastReceived;

    /// <summary>Reads in place of recv(2); set before the connection is registered.</summary>
    internal IDescriptorReceiver? Receiver { get; init; }

    internal long BytesReceived => Volatile.Read(ref _bytesReceived);

    internal long Receives => Volatile.Read(ref _receives);

    /// <summary>A timestamp of the loop's clock; 0 for never.</summary>
    internal long LastReceived => Volatile.Read(ref _lastReceived);

    internal void OnReadableOnLoop(bool isHungUp)
    {
        bool isOver;
        bool dispatch;
        ISpliceBorrower? borrower;
        lock (_gate)
        {
            borrower = _borrower;
            if (_isOver || _isCompleted || (_isPaused && borrower is null))
                return;
            if (borrower is null)
                ReceiveNeedsLock(isHungUp);
            isOver = _isOver;
            dispatch = TrySignalNeedsLock();
        }
        borrower?.OnReadable();
        if (isOver)
            _connection.OnDirectionOver(ConnectionDirections.Input);
        Dispatch(dispatch, fromReadiness: true);
        _connection.WriteNoted();
    }

    /// <summary>The connection has ended: what was read is still there, then comes <paramref name="failure"/>, or where there is none the end.</summary>
    /// <returns>Whether <see cref="Wake"/> is due.</returns>
    internal bool End(Exception? failure)
    {
        bool isDue;
        ISpliceBorrower? borrower;
        lock (_gate)
        {
            borrower = _borrower;
            if (!_isOver)
                OverNeedsLock(failure);
            isDue = TrySignalNeedsLock();
        }
        borrower?.OnSourceGone(failure);
        Receiver?.OnEnded(isAbandoned: failure is not null);
        return isDue;
    }

    internal void Wake(bool isDue) => Dispatch(isDue, fromReadiness: false);

    /// <summary>The user will not look at what is left. A result that is still being looked at keeps its memory.</summary>
    /// <param name="disposed">What a later read fails with.</param>
    internal void Abandon(Exception disposed)
    {
        lock (_gate)
        {
            // The peer's end alone would make a part look like the whole.
            _failure ??= disposed;
            if (!_isReading)
                ReleaseAllNeedsLock();
        }
        Receiver?.OnEnded(isAbandoned: true);
    }

    private void ReceiveNeedsLock(bool toEnd)
    {
        int total = 0;
        while (total < PipeDefaults.BytesPerTurn)
        {
            bool isFresh = _tail is null || _tail.RoomLength < SmallestRoom;
            BufferSegment segment = isFresh ? BufferSegment.Rent(_nextSize) : _tail!;
            Span<byte> room = segment.Room[..Math.Min(segment.RoomLength, PipeDefaults.BytesPerTurn - total)];
            PosixResult received = Receiver is null
                ? Libc.Receive(_connection.Descriptor, room)
                : Receiver.Receive(_connection.Descriptor, room, _bytesReceived);
            if (received.Value <= 0)
            {
                if (isFresh)
                    segment.Release();
                if (received.Errno != EAGAIN)
                    OverNeedsLock(received.IsError ? _connection.ReceiveFailed(received) : null);
                break;
            }
            total += received.IntValue;
            segment.Advance(received.IntValue);
            segment.Publish();
            if (isFresh)
                AppendNeedsLock(segment);
            CountNeedsLock(received.IntValue);
            bool isShort = received.Value < room.Length;
            _nextSize = isShort && total <= BufferSegment.Small ? BufferSegment.Small : BufferSegment.Large;
            if (isShort && !toEnd)
                break;
        }
        if (total > 0)
            _connection.OnReceived(total);
        if (_unexamined > _options.InputHighWaterMark && !_isOver)
        {
            _isPaused = true;
            _connection.SetInterest(ConnectionDirections.Input, false);
        }
    }

    private void AppendNeedsLock(BufferSegment segment)
    {
        if (_tail is null)
            _head = segment;
        else
            _tail.Append(segment);
        _tail = segment;
    }

    private void CountNeedsLock(int bytes)
    {
        _buffered += bytes;
        _unexamined += bytes;
        CountReceivedNeedsLock(bytes);
    }

    private void CountReceivedNeedsLock(int bytes)
    {
        _bytesReceived += bytes;
        _receives++;
        _lastReceived = _connection.Now;
    }

    private void ResumeIfDrainedNeedsLock()
    {
        if (!_isPaused || _isOver || _borrower is not null || _unexamined > _options.InputLowWaterMark)
            return;
        _isPaused = false;
        _connection.SetInterest(ConnectionDirections.Input, true);
    }

    private void StopReceivingNeedsLock()
    {
        if (_isOver)
            return;
        OverNeedsLock(null);
        // ENOTCONN for a peer that has gone: nothing comes from that one either.
        _ = Libc.Shutdown(_connection.Descriptor, SHUT_RD);
    }

    private void OverNeedsLock(Exception? failure)
    {
        _isOver = true;
        _failure = failure;
        _connection.SetInterest(ConnectionDirections.Input, false);
    }
}
