using UnixLoop.Interop;
using UnixLoop.Selector;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

// Constraints
//  - A connection that we accept and nobody takes would be lost at the close; in the kernel's backlog it is not ours yet, and
//    another process that shares the socket may still serve it.
//  - The waiting callers, the loop's readiness, the end of a connection (which may free a place under the limit), the end of a
//    pause and the close come from any thread.
//  - epoll reports a listening socket for as long as its backlog holds something, wanted or not.
// Scheme
//  - Accepting is on demand: a caller accepts on its own thread while there is something; otherwise it waits in _waiters, and
//    whatever makes accepting possible again (Pump) serves as many of them as it can.
//  - The registration is edge-triggered. An edge sets _mayHaveMore, EAGAIN alone clears it, both under _gate: an edge that comes
//    after that EAGAIN finds the lock free and sets it again.
//  - accept4 and close are under _gate, so that nobody accepts on a descriptor that has been closed. It never blocks. Peers are
//    examined, logs written and waiters completed off the lock.
//  - A caller that runs on the loop and always finds something would hold the loop: after MaxInRow it waits for the loop's next turn.
//
//   state     event                     next state
//   Bound     StartServing              Serving
//   any       Close, error, loop's end  Closed
internal sealed class Acceptor : IReadyHandler
{
    /// <summary>How long accepting pauses for want of descriptors or memory (asyncio: ACCEPT_RETRY_DELAY).</summary>
    internal static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>What is left of it once a connection has ended, whose descriptor is free: long enough for some more to end.</summary>
    internal static readonly TimeSpan PauseAfterAnEnd = TimeSpan.FromMilliseconds(20);

    private const int MaxInRow = 64;

    private static readonly uint Edges = (uint)(EPOLLIN | EPOLLRDHUP | EPOLLET);
    private static readonly uint ShutDown = (uint)(EPOLLHUP | EPOLLRDHUP);

    private readonly Lock _gate = new();
    private readonly UnixEventLoop _loop;
    private readonly ListeningSocket _socket;
    private readonly PeerFilter? _filter;
    private readonly int _limit;
    private readonly AcceptorReports _reports;
    private readonly TaskCompletionSource _allGone = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Guarded by _gate.
    private readonly LinkedList<AcceptWaiter> _waiters = [];
    private SelectorRegistration? _registration;
    private ITimer? _pauseTimer;
    private volatile State _state;
    private Exception? _fault;
    private bool _mayHaveMore = true;
    private bool _isPaused;
    private bool _isPauseShort;
    private int _open;
    private int _inRow;

    /// <param name="loop">Whose selector tells of connections.</param>
    /// <param name="socket">Owned from here on.</param>
    /// <param name="filter">Null admits everybody.</param>
    /// <param name="limit">Of connections that are open; null for none.</param>
    /// <param name="reports">Logs and counts.</param>
    internal Acceptor(UnixEventLoop loop, ListeningSocket socket, PeerFilter? filter, int? limit, AcceptorReports reports)
    {
        _loop = loop;
        _socket = socket;
        _filter = filter;
        _limit = limit ?? int.MaxValue;
        _reports = reports;
    }

    private enum State
    {
        Bound,
        Serving,
        Closed,
    }

    internal bool IsServing => _state == State.Serving;

    internal bool IsClosed => _state == State.Closed;

    /// <summary>Connections that were accepted and not released.</summary>
    internal int Open => Volatile.Read(ref _open);

    /// <summary>Ends when it is closed and every connection has been released.</summary>
    internal Task AllGone => _allGone.Task;

    internal void StartServing(int backlog)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_state == State.Closed, typeof(UnixStreamListener));
            if (_state == State.Serving)
                return;
            // Before listen: where there is no registration to be had, nobody has been let in.
            SelectorRegistration registration = _loop.Selector.Register(_socket.Handle, Edges, this);
            try
            {
                _socket.Listen(backlog);
            }
            catch
            {
                registration.Dispose();
                throw;
            }
            _registration = registration;
            _state = State.Serving;
        }
        _reports.Serving();
        Pump();
    }

    /// <summary>A connection, or null once this is closed; any thread.</summary>
    internal async ValueTask<UnixHandle?> AcceptAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        while (true)
        {
            AcceptWaiter? waiter = null;
            PosixResult accepted = PosixResult.Failure(EAGAIN);
            bool hasHeldLoop = false;
            lock (_gate)
            {
                if (_waiters.Count == 0 && CanAcceptNeedsLock)
                {
                    hasHeldLoop = _loop.IsOnLoopThread && ++_inRow >= MaxInRow;
                    if (!hasHeldLoop)
                        accepted = AcceptNeedsLock();
                }
                if (_state == State.Closed)
                    return _fault is null ? null : throw _fault;
                if (accepted.IsError)
                {
                    waiter = new AcceptWaiter(this, cancellationToken);
                    _waiters.AddLast(waiter.Node);
                    _inRow = 0;
                }
            }
            if (waiter is not null)
            {
                Tell(accepted);
                if (hasHeldLoop)
                    _loop.TryPost(static acceptor => acceptor.Pump(), this);
                return await WaitAsync(waiter).ConfigureAwait(false);
            }
            if (Admit(accepted) is { } admitted)
                return admitted;
        }
    }

    private static async Task<UnixHandle?> WaitAsync(AcceptWaiter waiter)
    {
        using CancellationTokenRegistration registration =
            waiter.CancellationToken.UnsafeRegister(static state => ((AcceptWaiter)state!).Withdraw(), waiter);
        return await waiter.Task.ConfigureAwait(false);
    }

    /// <summary>Its token was cancelled; nothing happens if a connection is on its way to it.</summary>
    internal void Withdraw(AcceptWaiter waiter)
    {
        lock (_gate)
        {
            if (waiter.Node.List is null)
                return;
            _waiters.Remove(waiter.Node);
        }
        waiter.SetCanceled(waiter.CancellationToken);
    }

    /// <summary>A connection has ended: its place is free.</summary>
    internal void Release()
    {
        ReleasePlace();
        lock (_gate)
        {
            // Once: those that end meanwhile must not put it off.
            if (_isPaused && !_isPauseShort)
                _isPauseShort = _pauseTimer!.Change(PauseAfterAnEnd, Timeout.InfiniteTimeSpan);
        }
        Pump();
    }

    /// <summary>Ends accepting; idempotent, any thread. Waiting callers get null, or <paramref name="fault"/>.</summary>
    internal void Close(Exception? fault = null)
    {
        AcceptWaiter[] waiters;
        int open;
        lock (_gate)
        {
            if (_state == State.Closed)
                return;
            CloseNeedsLock(fault);
            waiters = [.. _waiters];
            _waiters.Clear();
            open = _open;
        }
        foreach (AcceptWaiter waiter in waiters)
            CompleteClosed(waiter);
        _reports.Closed(fault, open);
        if (open == 0)
            _allGone.TrySetResult();
    }

    public void OnReady(uint events)
    {
        lock (_gate)
            _mayHaveMore = true;
        Pump();
        // Somebody who shares it has called shutdown(2): accept4 would say EAGAIN for ever. The event may be older than our listen(2).
        if ((events & ShutDown) != 0 && IsServing && _socket.IsShutDown())
            Close(PosixError.ToException(PosixResult.Failure(EINVAL), $"'{_socket.Address}' has been shut down by another process that shares it"));
    }

    public void OnLoopEnded() => Close();

    public override string ToString() => $"listener '{_socket.Address}'";

    private bool CanAcceptNeedsLock => _state == State.Serving && _mayHaveMore && !_isPaused && _open < _limit;

    /// <summary>Serves those who wait for as long as there are connections.</summary>
    private void Pump()
    {
        for (int refused = 0; ;)
        {
            AcceptWaiter waiter;
            PosixResult accepted;
            lock (_gate)
            {
                if (_waiters.First is not { } first || !CanAcceptNeedsLock)
                    return;
                accepted = AcceptNeedsLock();
                waiter = first.Value;
                if (accepted.IsSuccess)
                    _waiters.RemoveFirst();
            }
            if (accepted.IsError)
            {
                Tell(accepted);
                return;
            }
            UnixHandle? admitted = Admit(accepted);
            if (admitted is not null)
                waiter.SetResult(admitted);
            else
                GiveBack(waiter);
            if (admitted is null && ++refused >= MaxInRow && _loop.TryPost(static acceptor => acceptor.Pump(), this))
                return; // strangers that come again at once: the rest is for a later turn
        }
    }

    private PosixResult AcceptNeedsLock()
    {
        PosixResult accepted;
        do
            accepted = Libc.Accept(_socket.Descriptor);
        while (accepted.Errno == ECONNABORTED);

        if (accepted.IsSuccess)
        {
            _open++;
        }
        else if (accepted.Errno == EAGAIN)
        {
            _mayHaveMore = false;
        }
        else if (!IsEndOfListening(accepted.Errno))
        {
            _isPaused = true;
            _isPauseShort = false;
            _pauseTimer?.Dispose();
            _pauseTimer = _loop.TimeProvider.CreateTimer(static acceptor => ((Acceptor)acceptor!).EndPause(), this, Pause, Timeout.InfiniteTimeSpan);
        }
        return accepted;
    }

    /// <summary>The socket does not listen any more (accept(2)). All else may pass: too few descriptors, too little memory, a filter's refusal.</summary>
    private static bool IsEndOfListening(int errno) => errno == EINVAL || errno == EBADF || errno == ENOTSOCK || errno == EOPNOTSUPP;

    /// <summary>Off the lock: what an error means for others.</summary>
    private void Tell(PosixResult accepted)
    {
        if (accepted.Errno == EAGAIN)
            return;
        if (IsEndOfListening(accepted.Errno))
            Close(PosixError.ToException(accepted, $"accept4 on '{_socket.Address}'"));
        else
            _reports.Paused(accepted.Errno);
    }

    private void EndPause()
    {
        lock (_gate)
            _isPaused = false;
        Pump();
    }

    /// <summary>Null if the peer may not connect: it is closed before a byte of it is read.</summary>
    private UnixHandle? Admit(PosixResult accepted)
    {
        var socket = new UnixHandle(accepted.IntValue);
        _reports.Accepted();
        if (_filter is null)
            return socket;
        PosixResult read = PeerCredentials.TryRead(socket, out PeerCredentials? peer);
        if (peer is not null && _filter.Admits(peer))
            return socket;
        socket.Dispose();
        _reports.Refused(peer is null ? $"its credentials can't be read: {PosixError.Name(read.Errno)}" : peer.ToString());
        ReleasePlace();
        return null;
    }

    private void ReleasePlace()
    {
        bool allGone;
        lock (_gate)
        {
            _open--;
            allGone = _open == 0 && _state == State.Closed;
        }
        _reports.Ended();
        if (allGone)
            _allGone.TrySetResult();
    }

    /// <summary>To the head of the line, unless it has been cancelled or all is over meanwhile.</summary>
    private void GiveBack(AcceptWaiter waiter)
    {
        bool isClosed;
        lock (_gate)
        {
            isClosed = _state == State.Closed;
            if (!isClosed && !waiter.CancellationToken.IsCancellationRequested)
            {
                _waiters.AddFirst(waiter.Node);
                return;
            }
        }
        if (isClosed)
            CompleteClosed(waiter);
        else
            waiter.SetCanceled(waiter.CancellationToken);
    }

    private void CompleteClosed(AcceptWaiter waiter)
    {
        if (_fault is null)
            waiter.SetResult(null);
        else
            waiter.SetException(_fault);
    }

    private void CloseNeedsLock(Exception? fault)
    {
        _state = State.Closed;
        _fault = fault;
        _pauseTimer?.Dispose();
        // EPOLL_CTL_DEL before close (linux.md, rule 3).
        _registration?.Dispose();
        _socket.Dispose();
    }
}
