using System.IO.Pipelines;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

// Constraints (linux.md, rule 27)
//  - A send says EAGAIN for two reasons: the receiver's queue is full (net.unix.max_dgram_qlen), or our own buffer is (SO_SNDBUF).
//  - A connected socket's EPOLLOUT minds both. An unconnected one's minds our own buffer alone: it is there at once while the
//    receiver is full, and a loop that waits for it spins.
// Scheme
//  - Sends go out on the caller's thread. One that meets EAGAIN waits in a queue, in order: of the connected peer, or of its
//    destination, so that one full receiver does not hold up the others.
//  - What keeps an unconnected send back is asked by poll(2): our own buffer is waited for as a connected peer is; a full receiver by
//    a helper socket that is connected to it (FullPeer). At most MostHelpers of these are kept. Where none is to be had, where it
//    has said "room" and there was none (another sender was faster, or the name has a new owner), and where our socket is
//    connected elsewhere, so that its EPOLLOUT speaks of another peer: a timer, 1 to 100 ms.
//  - Our own buffer is writable, for poll(2), when it is three quarters empty. Receivers that never read must not keep the others
//    waiting for that: the timer looks too. The destinations take turns.
//  - A datagram's error is its own: those behind it are still sent.
// Everything but the completions runs under _gate, the calls of sendmsg(2) included: they do not wait, and Close then knows that
// nobody uses the descriptor.
internal sealed partial class DatagramSender
{
    internal const int MostHelpers = 16;
    private const int MostFreeSends = 64;

    private readonly Lock _gate = new();
    private readonly DatagramEngine _engine;
    private readonly UnixEventLoop _loop;
    private readonly int _socket;
    private readonly DatagramReadiness _readiness;
    private readonly PipeScheduler _scheduler;

    // Guarded by _gate.
    private readonly LinkedList<PendingSend> _toPeer = [];
    private readonly Dictionary<UnixSocketAddress, FullPeer> _fullPeers = [];
    private readonly List<FullPeer> _idleHelpers = []; // the longest idle first
    private readonly Stack<PendingSend> _free = [];
    private readonly List<FullPeer> _forOwnBuffer = []; // the longest waiting first
    private readonly BackOff _ownBackOff;
    private int _helpers;
    private Exception? _closed;

    internal DatagramSender(DatagramEngine engine, UnixEventLoop loop, int socket, DatagramReadiness readiness, PipeScheduler scheduler)
    {
        (_engine, _loop, _socket, _readiness, _scheduler) = (engine, loop, socket, readiness, scheduler);
        _ownBackOff = new BackOff(loop, OnOwnRoom);
    }

    internal bool TrySend(ReadOnlySpan<byte> data, UnixSocketAddress? destination)
    {
        PosixResult sent;
        lock (_gate)
        {
            ThrowIfClosedNeedsLock();
            sent = MustWaitNeedsLock(destination)
                ? PosixResult.Failure(EAGAIN)
                : DatagramAddress.Send(_socket, data, destination, []);
        }
        return sent.IsSuccess || (sent.Errno == EAGAIN ? false : throw Failure(sent, destination));
    }

    /// <param name="face">The user's object, kept alive for as long as this waits.</param>
    /// <param name="data">Not to be changed before the end.</param>
    /// <param name="descriptors">Given back at the end, however that comes.</param>
    /// <param name="destination">Null for the connected peer.</param>
    /// <param name="cancellationToken">Takes it out of the queue; then it has not been sent.</param>
    internal ValueTask SendAsync(
        UnixDatagramSocket face, ReadOnlyMemory<byte> data, BorrowedDescriptors? descriptors, UnixSocketAddress? destination, CancellationToken cancellationToken)
    {
        PendingSend? pending = null;
        short version = 0;
        try
        {
            if (cancellationToken.IsCancellationRequested)
                return ValueTask.FromCanceled(cancellationToken);
            lock (_gate)
            {
                ThrowIfClosedNeedsLock();
                if (!MustWaitNeedsLock(destination))
                {
                    PosixResult sent = DatagramAddress.Send(_socket, data.Span, destination, Numbers(descriptors));
                    if (sent.IsSuccess)
                        return ValueTask.CompletedTask;
                    if (sent.Errno != EAGAIN)
                        return ValueTask.FromException(Failure(sent, destination));
                }
                pending = EnqueueNeedsLock(face, data, descriptors, destination);
                version = pending.Version;
            }
        }
        finally
        {
            if (pending is null)
                descriptors?.Dispose();
        }
        _engine.TellPeerIsFull(destination);
        if (cancellationToken.CanBeCanceled)
            ObserveCancellation(pending, cancellationToken);
        return new ValueTask(pending, version);
    }

    /// <summary>Off the lock: a token that is cancelled by now calls back at once. The object can't be used again before its result is taken.</summary>
    private void ObserveCancellation(PendingSend pending, CancellationToken cancellationToken)
    {
        CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((PendingSend)state!).Cancel(token), pending);
        lock (_gate)
        {
            if (pending.IsWaiting)
                (pending.Cancellation, registration) = (registration, default);
        }
        registration.Dispose();
    }

    internal void Cancel(PendingSend pending, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (!pending.IsWaiting)
                return;
            pending.LeaveQueue(new OperationCanceledException(cancellationToken));
            if (pending.Destination is { } destination && _fullPeers[destination] is { Waiting.Count: 0 } peer)
                RestNeedsLock(peer);
        }
        pending.Complete(isOnLoop: false);
    }

    /// <summary>Our socket is writable: there is room for the connected peer, and in our own buffer.</summary>
    internal void OnWritableOnLoop()
    {
        EndedSends ended = default;
        lock (_gate)
        {
            if (_toPeer.Count == 0 && _forOwnBuffer.Count == 0)
            {
                _readiness.Unwant(DatagramReadiness.Writable);
                return;
            }
            _ = SendQueueNeedsLock(_toPeer, ref ended);
        }
        ended.Complete(_loop, isOnLoop: true);
        OnOwnRoom();
    }

    /// <summary>Our own buffer may have room: on the loop, or on the pool once that has ended, which is where its awaiters then go on.</summary>
    private void OnOwnRoom()
    {
        EndedSends ended = default;
        lock (_gate)
        {
            for (int count = _forOwnBuffer.Count; count > 0; count--)
            {
                FullPeer peer = _forOwnBuffer[0];
                _forOwnBuffer.RemoveAt(0);
                ResumeNeedsLock(peer, ref ended, mayAskHelper: true);
            }
            if (_forOwnBuffer.Count == 0)
                _ownBackOff.StopNeedsLock();
        }
        ended.Complete(_loop, isOnLoop: true);
    }

    /// <summary>The peer may have room again.</summary>
    internal void OnRoom(FullPeer peer, bool byHelper)
    {
        EndedSends ended = default;
        lock (_gate)
        {
            // Those who wait for our own buffer have their own turn.
            if (_closed is not null || peer.Waiting.Count == 0 || _forOwnBuffer.Contains(peer))
                return;
            ResumeNeedsLock(peer, ref ended, mayAskHelper: !byHelper);
        }
        ended.Complete(_loop, isOnLoop: true);
    }

    internal void OnLoopEnded() => _engine.OnLoopEnded();

    /// <summary>No further send; those that wait end with <paramref name="reason"/>. Afterwards nobody here uses the socket.</summary>
    internal void Close(Exception reason)
    {
        EndedSends ended = default;
        lock (_gate)
        {
            _closed ??= reason;
            EndAllNeedsLock(_toPeer, reason, ref ended);
            foreach (FullPeer peer in _fullPeers.Values)
            {
                EndAllNeedsLock(peer.Waiting, reason, ref ended);
                peer.RestNeedsLock();
                peer.DropHelperNeedsLock();
            }
            _fullPeers.Clear();
            _idleHelpers.Clear();
            _forOwnBuffer.Clear();
            _ownBackOff.StopNeedsLock();
            _helpers = 0;
        }
        ended.Complete(_loop, isOnLoop: false);
    }

    /// <summary>For the awaiter, once: the object is free then.</summary>
    internal void TakeResult(PendingSend pending, short token)
    {
        Exception? failure;
        lock (_gate)
        {
            failure = pending.TakeResultNeedsLock(token);
            if (_free.Count < MostFreeSends)
                _free.Push(pending);
        }
        if (failure is not null)
            throw failure;
    }

    /// <summary>Its result may be taken.</summary>
    /// <returns>Whether somebody awaits it.</returns>
    internal bool Publish(PendingSend pending)
    {
        lock (_gate)
            return pending.PublishNeedsLock();
    }

    /// <summary>Whether others wait for the same room: they come first.</summary>
    private bool MustWaitNeedsLock(UnixSocketAddress? destination) =>
        destination is null
            ? _toPeer.Count > 0
            : _fullPeers.Count > 0 && _fullPeers.TryGetValue(destination, out FullPeer? peer) && peer.Waiting.Count > 0;

    private PendingSend EnqueueNeedsLock(UnixDatagramSocket face, ReadOnlyMemory<byte> data, BorrowedDescriptors? descriptors, UnixSocketAddress? destination)
    {
        if (!_free.TryPop(out PendingSend? pending))
            pending = new PendingSend(this, _loop, _scheduler);
        pending.Begin(face, data, descriptors, destination);
        if (destination is null)
        {
            if (_toPeer.Count == 0)
                _readiness.Want(DatagramReadiness.Writable);
            _toPeer.AddLast(pending.Node);
            return pending;
        }
        FullPeer peer = FullPeerOfNeedsLock(destination);
        if (peer.Waiting.Count == 0)
        {
            _idleHelpers.Remove(peer);
            try
            {
                WaitNeedsLock(peer, mayAskHelper: true);
            }
            catch
            {
                RestNeedsLock(peer);
                throw;
            }
        }
        peer.Waiting.AddLast(pending.Node);
        return pending;
    }

    private FullPeer FullPeerOfNeedsLock(UnixSocketAddress address)
    {
        if (!_fullPeers.TryGetValue(address, out FullPeer? peer))
            _fullPeers.Add(address, peer = new FullPeer(this, _loop, address));
        return peer;
    }

    private void ResumeNeedsLock(FullPeer peer, ref EndedSends ended, bool mayAskHelper)
    {
        int before = peer.Waiting.Count;
        if (SendQueueNeedsLock(peer.Waiting, ref ended))
        {
            RestNeedsLock(peer);
            return;
        }
        bool hasMoved = peer.Waiting.Count < before;
        if (hasMoved)
            peer.BackOff.ResetNeedsLock();
        try
        {
            WaitNeedsLock(peer, mayAskHelper || hasMoved);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            EndAllNeedsLock(peer.Waiting, e, ref ended);
            RestNeedsLock(peer);
        }
    }

    /// <param name="peer">Its queue is full, or our buffer.</param>
    /// <param name="mayAskHelper">False after a helper's word was wrong: it is given up, and time has to pass.</param>
    private void WaitNeedsLock(FullPeer peer, bool mayAskHelper)
    {
        if (!_engine.IsConnected && !IsWritable())
        {
            _readiness.Want(DatagramReadiness.Writable);
            _ownBackOff.WaitNeedsLock();
            peer.SilenceHelperNeedsLock();
            _forOwnBuffer.Add(peer);
            return;
        }
        if (!mayAskHelper)
            DropHelperNeedsLock(peer);
        else if ((peer.HasHelper || HasRoomForHelperNeedsLock()) && TryHelperNeedsLock(peer))
            return;
        peer.BackOff.WaitNeedsLock();
    }

    private bool TryHelperNeedsLock(FullPeer peer)
    {
        bool had = peer.HasHelper;
        bool waits = peer.TryWaitByHelperNeedsLock(_loop);
        _helpers += (peer.HasHelper ? 1 : 0) - (had ? 1 : 0);
        return waits;
    }

    private bool HasRoomForHelperNeedsLock()
    {
        if (_helpers == MostHelpers && _idleHelpers.Count > 0)
        {
            FullPeer idle = _idleHelpers[0];
            _idleHelpers.RemoveAt(0);
            DropHelperNeedsLock(idle);
            _fullPeers.Remove(idle.Address);
        }
        return _helpers < MostHelpers;
    }

    private void DropHelperNeedsLock(FullPeer peer)
    {
        if (peer.HasHelper)
            _helpers--;
        peer.DropHelperNeedsLock();
    }

    /// <summary>Nobody waits for this peer any more.</summary>
    private void RestNeedsLock(FullPeer peer)
    {
        peer.RestNeedsLock();
        _forOwnBuffer.Remove(peer);
        if (!peer.HasHelper)
            _fullPeers.Remove(peer.Address);
        else
            _idleHelpers.Add(peer);
    }

    /// <summary>Sends what waits until there is no room; true if nothing is left.</summary>
    private bool SendQueueNeedsLock(LinkedList<PendingSend> queue, ref EndedSends ended)
    {
        while (queue.First is { } first)
        {
            PendingSend pending = first.Value;
            PosixResult sent = DatagramAddress.Send(_socket, pending.Data.Span, pending.Destination, Numbers(pending.Descriptors));
            if (sent.Errno == EAGAIN)
                return false;
            pending.LeaveQueue(sent.IsSuccess ? null : Failure(sent, pending.Destination));
            ended.Add(pending);
        }
        return true;
    }

    private static void EndAllNeedsLock(LinkedList<PendingSend> queue, Exception reason, ref EndedSends ended)
    {
        while (queue.First is { } first)
        {
            first.Value.LeaveQueue(reason);
            ended.Add(first.Value);
        }
    }

    private static ReadOnlySpan<int> Numbers(BorrowedDescriptors? descriptors) => descriptors is null ? [] : descriptors.Numbers;

    private void ThrowIfClosedNeedsLock()
    {
        if (_closed is not null)
            throw UnixDatagramSocket.Closed();
    }

    private unsafe bool IsWritable()
    {
        Tmds.Linux.pollfd ask = new() { fd = _socket, events = (short)POLLOUT };
        PosixResult asked = Libc.Poll(&ask, 1, timeoutMilliseconds: 0);
        // An error is no reason to wait for an event that may not come.
        return asked.IsError || asked.Value > 0;
    }

    private IOException Failure(PosixResult sent, UnixSocketAddress? destination) =>
        _engine.SendFailure(sent, destination);
}
