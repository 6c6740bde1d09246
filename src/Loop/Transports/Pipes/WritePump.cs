using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using UnixLoop.Interop;
using UnixLoop.Selector;
using UnixLoop.Transports.SendFile;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.Pipes;

// Constraints
//  - The peer's close must be seen while there is nothing to write, and EPOLLIN must not be asked for (linux.md, rule 21): what
//    shows it depends on the descriptor (PipeEnd).
//  - That event stays: its registration has to go at the first one, or the loop spins (rule 2).
//  - A Pipe's reader may be used by one thread at a time, and a pending ReadAsync is a use.
// Scheme
//  - The pipe's reader is scheduled inline: with nothing queued, FlushAsync itself writes, on its own thread, and what fits is
//    with the kernel when it returns. Only when write(2) says EAGAIN is EPOLLOUT asked for, and the loop writes the rest.
//  - One lock guards the reader's side, whichever thread it is on. No code of the user runs under it: writers that wait are
//    continued on the pool or by a post.
//  - Queued data is never lost in silence: when the peer has gone, its writer's flush fails with EPIPE, or, if all had been
//    written, reports the end.
//
//   state     event                                          next state
//   Created   Start                                          Waiting
//   Waiting   data                                           Waiting (written), Blocked (EAGAIN, or the turn's share is used)
//   Blocked   EPOLLOUT                                       Waiting, Blocked
//   Waiting   LendAsync                                      Lent
//   Lent      EndOperation                                   Waiting
//   any       completed and written, peer gone, error, Close, loop's end   Ended
internal sealed partial class WritePump : IWritePump, IReadyHandler
{
    private static readonly uint Writable = (uint)EPOLLOUT;

    private readonly Lock _gate = new();
    private readonly UnixEventLoop _loop;
    private readonly PipeEnd _end;
    private readonly Pipe _pipe;
    private readonly IPumpOwner _owner;
    private readonly ILogger _logger;
    private readonly Action _onData;

    // Guarded by _gate.
    private SelectorRegistration? _registration;
    private volatile State _state;
    private ConfiguredValueTaskAwaitable<ReadResult>.ConfiguredValueTaskAwaiter _read;
    private long _written;
    private NotedLines _noted;

    /// <param name="loop">Writes what the descriptor did not take at once.</param>
    /// <param name="end">Never waits; owned from here on.</param>
    /// <param name="owner">Told of the end.</param>
    /// <param name="logger">For errors on the peer's side, at Debug.</param>
    /// <param name="flow">Null for a subprocess's.</param>
    internal WritePump(UnixEventLoop loop, PipeEnd end, IPumpOwner owner, ILogger logger, PipeFlow? flow = null)
    {
        _loop = loop;
        _end = end;
        _owner = owner;
        _logger = logger;
        _onData = OnData;
        _pipe = (flow ?? PipeFlow.OfWriting).ForWriting(loop, PipeScheduler.Inline);
    }

    private enum State
    {
        Created,
        Waiting,
        Blocked,
        Lent,
        Ended,
    }

    public bool IsEnded => _state == State.Ended;

    /// <summary>What it ended with, of which the writer has been told.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>What kept accepted bytes from being written: a failed write, or the loop's end. To be read once it has ended.</summary>
    internal Exception? Error => Failure is IOException || _loop.HasEnded ? Failure : null;

    public PipeWriter Writer => _pipe.Writer;

    public long BytesWritten => Volatile.Read(ref _written);

    public void Start()
    {
        bool ended;
        lock (_gate)
        {
            _registration = _loop.Selector.Register(_end.Handle, _end.PeerGoneEvents, this);
            _state = State.Waiting;
            WaitForDataNeedsLock();
            ended = _state == State.Ended;
        }
        if (ended)
            _owner.OnEnded(this);
        _noted.Write();
    }

    /// <summary>On the thread that flushes or completes, or on the loop.</summary>
    private void OnData()
    {
        bool ended;
        lock (_gate)
        {
            // What has come while the pipe was lent is written by whoever gives it back.
            if (_state != State.Waiting || !_read.IsCompleted)
                return;
            if (WriteNeedsLock(_read.GetResult()))
                WaitForDataNeedsLock();
            ended = _state == State.Ended;
        }
        if (ended)
            _owner.OnEnded(this);
        _noted.Write();
    }

    public void OnReady(uint events)
    {
        bool ended;
        IOutputOperation? operation;
        lock (_gate)
        {
            if (_state == State.Ended)
                return;
            operation = _state == State.Lent ? _operation : null;
            if (_end.IsPeerGone(events))
                EndByPeerNeedsLock();
            else if (_state == State.Blocked && _pipe.Reader.TryRead(out ReadResult result) && WriteNeedsLock(result))
                WaitForDataNeedsLock();
            ended = _state == State.Ended;
        }
        if (ended)
            _owner.OnEnded(this);
        else
            operation?.OnWritable();
        _noted.Write();
    }

    public void OnLoopEnded() =>
        Close(new ObjectDisposedException(nameof(UnixEventLoop), $"The loop ended before {_owner.Describe(this)} did."));

    public void Close(Exception? error)
    {
        lock (_gate)
        {
            if (_state == State.Ended)
                return;
            EndNeedsLock(error);
        }
        _owner.OnEnded(this);
        _noted.Write();
    }

    public override string ToString() => $"{_owner.Describe(this)} ({_end}, {_state})";

    /// <summary>Writes what has come meanwhile, until there is nothing, or the descriptor takes no more.</summary>
    private void WaitForDataNeedsLock()
    {
        do
        {
#pragma warning disable CA2012 // consumed once: here, by OnData, or by the end
            _read = _pipe.Reader.ReadAsync().ConfigureAwait(false).GetAwaiter();
#pragma warning restore CA2012
            if (!_read.IsCompleted)
            {
                _read.UnsafeOnCompleted(_onData);
                LendIfAskedNeedsLock();
                return;
            }
        }
        while (WriteNeedsLock(_read.GetResult()));
    }

    /// <returns>Whether all is written, and more may come.</returns>
    private bool WriteNeedsLock(ReadResult result)
    {
        ReadOnlySequence<byte> buffer = result.Buffer;
        PosixResult written = WriteAll(ref buffer);
        try
        {
            _pipe.Reader.AdvanceTo(buffer.Start, buffer.Start);
        }
        catch (Exception e)
        {
            _noted.AddLostAwaiter(_loop, this, e);
        }
        if (written.IsError && written.Errno != EAGAIN)
        {
            EndByErrorNeedsLock(written);
            return false;
        }
        if (!buffer.IsEmpty)
        {
            _state = State.Blocked;
            ModifyNeedsLock(Writable | _end.PeerGoneEvents);
            return false;
        }
        if (result.IsCompleted)
        {
            EndNeedsLock(null);
            return false;
        }
        _state = State.Waiting;
        ModifyNeedsLock(_end.PeerGoneEvents);
        return _state == State.Waiting;
    }

    /// <summary>Writes until all is written, the pipe is full, or the turn's share is used; takes what was written off <paramref name="buffer"/>.</summary>
    private PosixResult WriteAll(ref ReadOnlySequence<byte> buffer)
    {
        for (int total = 0; !buffer.IsEmpty && total < PipeDefaults.BytesPerTurn;)
        {
            PosixResult written = _end.Write(buffer);
            if (written.IsError)
                return written;
            total += written.IntValue;
            Volatile.Write(ref _written, _written + written.IntValue);
            buffer = buffer.Slice(written.IntValue);
        }
        return PosixResult.Success();
    }

    private void ModifyNeedsLock(uint events)
    {
        try
        {
            _registration!.Modify(events);
        }
        catch (IOException e)
        {
            FailNeedsLock(e);
        }
    }

    /// <summary>While it waits, a read is pending: if that has found data by now, they are too late.</summary>
    private void EndByPeerNeedsLock()
    {
        bool queued = _state is State.Blocked or State.Lent || (_read.IsCompleted && !_read.GetResult().Buffer.IsEmpty);
        if (queued)
        {
            EndByErrorNeedsLock(PosixResult.Failure(EPIPE));
            return;
        }
        _noted.Add(() => PipeLog.PeerClosed(_logger, this));
        EndNeedsLock(null);
    }

    private void EndByErrorNeedsLock(PosixResult written)
    {
        FailNeedsLock(PosixError.ToException(written, $"write to {_owner.Describe(this)}"));
    }

    private void FailNeedsLock(IOException error)
    {
        _noted.Add(() => PipeLog.WriteFailed(_logger, error, this));
        EndNeedsLock(error);
    }

    private void EndNeedsLock(Exception? error)
    {
        Failure = error;
        _state = State.Ended;
        _registration?.Dispose();
        _end.Close();
        try
        {
            _pipe.Reader.Complete(error);
        }
        catch (Exception e)
        {
            _noted.AddLostAwaiter(_loop, this, e);
        }
        TellOperationNeedsLock(error);
    }
}
