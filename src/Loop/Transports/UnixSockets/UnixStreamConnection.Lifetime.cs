using UnixLoop.Interop;
using UnixLoop.Transports.UnixSockets;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports;

// One registration serves both directions. Its mask:
//   input read, output queued     EPOLLIN and EPOLLOUT as they apply
//   neither                       EPOLLERR | EPOLLHUP, which come without asking: the peer's end is noticed also while reading is paused
//   neither, and that has come    none, which takes it out of epoll: it would come for ever (linux.md, rule 2)
// EPOLLHUP of a Unix stream socket means that both directions are shut down, as by the peer's close; a half-close is no hang-up.
//
//   both directions over, Abort, DisposeAsync, the loop's end → ended: EPOLL_CTL_DEL, close (rule 3), Closed, the owner is told. Once.
//
// Locks, outer first: input's or output's (never both), _interestGate, the selector's.
public sealed partial class UnixStreamConnection
{
    private static readonly uint Readable = (uint)EPOLLIN;
    private static readonly uint PeerGone = (uint)(EPOLLERR | EPOLLHUP);
    private static readonly uint Writable = (uint)EPOLLOUT;

    private readonly Lock _interestGate = new();

    // Guarded by _interestGate.
    private ConnectionDirections _interest = ConnectionDirections.Input;
    private bool _isPeerGone;

    private int _directionsOver;
    private int _isEnded;
    private Task? _disposal;

    internal bool IsEnded => Volatile.Read(ref _isEnded) != 0;

    /// <summary>By its user; it may end long before.</summary>
    internal bool IsDisposed => Volatile.Read(ref _disposal) is not null;

    private string StateName =>
        IsEnded ? "closed" : ((ConnectionDirections)Volatile.Read(ref _directionsOver)) switch
        {
            ConnectionDirections.Input => "input over",
            ConnectionDirections.Output => "output over",
            _ => _interest.HasFlag(ConnectionDirections.Input) ? "reading" : "paused",
        };

    private void Start()
    {
        try
        {
            // Under the gate, since an event may come before Register returns.
            lock (_interestGate)
                _anchor.Registration = Loop.Selector.Register(_socket, Readable, _anchor);
            _metrics.Opened();
        }
        catch
        {
            SuppressFinalizer();
            _anchor.Registration?.Dispose();
            _socket.Dispose();
            throw;
        }
    }

    /// <summary>Dropped without being closed (asyncio: ResourceWarning). No I/O here: that is for the thread pool.</summary>
    ~UnixStreamConnection()
    {
        if (IsEnded || _anchor is null)
            return;
        ThreadPool.UnsafeQueueUserWorkItem(
            static leak => leak.Anchor.Release(leak.Description, leak.Creation),
            (Anchor: _anchor, Description: PeerName, Creation: _creation),
            preferLocal: false);
    }

#pragma warning disable CA1816 // there are more ends than DisposeAsync
    private void SuppressFinalizer() => GC.SuppressFinalize(this);
#pragma warning restore CA1816

    internal void OnReadyOnLoop(uint events)
    {
        bool isPeerGone = (events & PeerGone) != 0;
        if (isPeerGone)
            NotePeerGone();
        if (isPeerGone || (events & Writable) != 0)
            _output.OnWritableOnLoop(isPeerGone);
        if (isPeerGone || (events & Readable) != 0)
            ReadOnLoop(isPeerGone);
    }

    internal void OnLoopEnded() =>
        End(new ObjectDisposedException(nameof(UnixEventLoop), $"The event loop '{Loop.Name}' ended before the connection did."));

    /// <summary>
    /// Closes at once: queued bytes are dropped (what flushes have left for later by <see cref="UnixStreamConnectionOptions.CoalesceFlushes"/> is tried once), pending and later reads and flushes fail with <paramref name="reason"/>. Nothing happens if the
    /// connection has ended. A Unix socket has no reset: the peer sees its end, or ECONNRESET if it has sent what was not read.
    /// </summary>
    /// <param name="reason">Null for an <see cref="IOException"/> that says so.</param>
    public void Abort(Exception? reason = null) => End(reason ?? new IOException($"The connection to {RemoteAddress} was aborted."));

    /// <summary>
    /// Closes, once what was flushed has been sent or <see cref="UnixStreamConnectionOptions.CloseTimeout"/> has passed; what was written and not flushed is dropped
    /// (complete <see cref="Output"/> to have that sent too). Reads and flushes fail with <see cref="ObjectDisposedException"/> from here on. Never throws; may be called again,
    /// after <see cref="Abort"/>, and beside a read or a write of another thread.
    /// </summary>
    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (Volatile.Read(ref _disposal) is { } running)
            return new ValueTask(running);
        var disposal = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task? other = Interlocked.CompareExchange(ref _disposal, disposal.Task, null);
        if (other is not null)
            return new ValueTask(other);
        _ = CloseAsync(disposal);
        return new ValueTask(disposal.Task);
    }

    private async Task CloseAsync(TaskCompletionSource disposal)
    {
        var disposed = new ObjectDisposedException(nameof(UnixStreamConnection), $"The connection to {RemoteAddress} has been disposed.");
        long? unsent = null;
        try
        {
            await _output.CloseAsync(disposed).WaitAsync(_options.CloseTimeout, Loop.Clock).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            unsent = _output.Queued;
        }
        try
        {
            End(disposed);
        }
        finally
        {
            _input.Abandon(disposed);
            disposal.SetResult();
        }
        if (unsent is { } bytes)
            SocketLog.Unsent(_logger, this, bytes, _options.CloseTimeout.TotalSeconds);
        WriteNoted();
    }

    /// <summary>One direction is over, off its lock; with the second the connection ends.</summary>
    internal void OnDirectionOver(ConnectionDirections direction)
    {
        int over = Interlocked.Or(ref _directionsOver, (int)direction) | (int)direction;
        if (over == (int)ConnectionDirections.Both)
            End(null);
    }

    /// <param name="reason">What reads and flushes fail with; null where both directions are over by themselves.</param>
    private void End(Exception? reason)
    {
        if (Interlocked.Exchange(ref _isEnded, 1) != 0)
            return;
        SuppressFinalizer();
        // Each passes its lock, after which it does not use the descriptor any more; continuations are sent off, never run in here.
        bool wakeInput = _input.End(reason);
        bool wakeOutput = _output.End(reason);
        _anchor.Registration!.Dispose();
        // A server's application may ask who its client was when that has gone already.
        if (_owner is not null && _peer is null && PeerCredentials.TryRead(_socket, out PeerCredentials? peer).IsSuccess)
            _peer = peer;
        _socket.Dispose();
        SignalClosed();
        _input.Wake(wakeInput);
        _output.Wake(wakeOutput);
        _owner?.OnConnectionEnded(_anchor);
        // Last: listeners of metrics and loggers are somebody else's code.
        _metrics.Closed();
        if (reason is null)
            return; // the direction that was the last to end writes its lines, once it has told its reader or writer
        SocketLog.Ended(_logger, reason, this);
        WriteNoted();
    }

    /// <summary>From under a lock.</summary>
    internal void FailLater(Exception failure) =>
        ThreadPool.UnsafeQueueUserWorkItem(
            static self => self.Connection.End(self.Failure), (Connection: this, Failure: failure), preferLocal: false);

    internal void SetInterest(ConnectionDirections direction, bool isOn)
    {
        lock (_interestGate)
        {
            _interest = isOn ? _interest | direction : _interest & ~direction;
            _anchor.Sending = (_interest & ConnectionDirections.Output) != 0 ? this : null;
            UpdateMaskNeedsLock();
        }
    }

    private void NotePeerGone()
    {
        lock (_interestGate)
        {
            _isPeerGone = true;
            UpdateMaskNeedsLock();
        }
    }

    private void UpdateMaskNeedsLock()
    {
        uint mask = ((_interest & ConnectionDirections.Input) != 0 ? Readable : 0) | ((_interest & ConnectionDirections.Output) != 0 ? Writable : 0);
        if (mask == 0 && !_isPeerGone)
            mask = PeerGone;
        PosixResult modified = _anchor.Registration!.TryModify(mask);
        if (modified.IsError)
            FailLater(PosixError.ToException(modified, $"epoll_ctl for descriptor {Descriptor}"));
    }
}
