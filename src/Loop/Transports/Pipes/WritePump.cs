using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using UnixLoop.Interop;
using UnixLoop.Selector;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.Pipes;

// Constraints
//  - The peer's close must be seen while there is nothing to write, and EPOLLIN must not be asked for (linux.md, rule 21):
//    a pipe's write end reports EPOLLERR, which needs no asking.
//  - That event stays: its registration has to go at the first one, or the loop spins (rule 2).
//  - A Pipe's reader may be used by one thread at a time, and a pending ReadAsync is a use.
// Scheme
//  - The pipe's reader schedules on the loop; what it finds is written at once. Only when write(2) says EAGAIN is EPOLLOUT asked for.
//  - Queued data is never lost in silence: when the peer has gone, its writer's flush fails with EPIPE, or, if all had been
//    written, reports the end.
//
//   state     event                                          next state
//   Created   Start                                          Waiting
//   Waiting   data                                           Waiting (written), Blocked (EAGAIN, or the turn's share is used)
//   Blocked   EPOLLOUT                                       Waiting, Blocked
//   any       completed and written, peer gone, error, Close, loop's end   Ended
internal sealed class WritePump : IPump, IReadyHandler
{
    private static readonly uint PeerGone = (uint)(EPOLLERR | EPOLLHUP);
    private static readonly uint Writable = (uint)EPOLLOUT;

    private readonly Lock _gate = new();
    private readonly UnixEventLoop _loop;
    private readonly UnixHandle _handle;
    private readonly Pipe _pipe;
    private readonly IPumpOwner _owner;
    private readonly ILogger _logger;
    private readonly Action _onData;

    // Guarded by _gate.
    private SelectorRegistration? _registration;
    private volatile State _state;
    private ConfiguredValueTaskAwaitable<ReadResult>.ConfiguredValueTaskAwaiter _read;
    private Exception? _failure;

    /// <param name="loop">Writes on its thread.</param>
    /// <param name="handle">The write end of a pipe or FIFO, non-blocking; owned from here on.</param>
    /// <param name="owner">Told of the end.</param>
    /// <param name="logger">For errors on the peer's side, at Debug.</param>
    internal WritePump(UnixEventLoop loop, UnixHandle handle, IPumpOwner owner, ILogger logger)
    {
        _loop = loop;
        _handle = handle;
        _owner = owner;
        _logger = logger;
        _onData = OnData;
        _pipe = new Pipe(new PipeOptions(
            readerScheduler: loop.PipeScheduler,
            writerScheduler: new PoolHandOver(),
            // A Pipe pauses at its threshold and resumes below it; the marks mean above, and at or below.
            pauseWriterThreshold: PipeDefaults.WriteHighWater + 1,
            resumeWriterThreshold: PipeDefaults.WriteLowWater + 1,
            useSynchronizationContext: true));
    }

    private enum State
    {
        Created,
        Waiting,
        Blocked,
        Ended,
    }

    public bool IsEnded => _state == State.Ended;

    /// <summary>Whether it ended with an error, of which the writer has been told.</summary>
    internal bool HasFailed => _failure is not null;

    /// <summary>What kept accepted bytes from being written: a failed write, or the loop's end. To be read once it has ended.</summary>
    internal Exception? Error => _failure is IOException || _loop.HasEnded ? _failure : null;

    internal PipeWriter Writer => _pipe.Writer;

    public void Start()
    {
        lock (_gate)
        {
            _registration = _loop.Selector.Register(_handle, PeerGone, this);
            _state = State.Waiting;
            WaitForDataNeedsLock();
        }
    }

    private void OnData()
    {
        bool ended;
        lock (_gate)
        {
            if (_state != State.Waiting)
                return;
            WriteNeedsLock(_read.GetResult());
            ended = _state == State.Ended;
        }
        if (ended)
            _owner.OnEnded(this);
    }

    public void OnReady(uint events)
    {
        bool ended;
        lock (_gate)
        {
            if (_state == State.Ended)
                return;
            if ((events & PeerGone) != 0)
                EndByPeerNeedsLock();
            else if (_state == State.Blocked && _pipe.Reader.TryRead(out ReadResult result))
                WriteNeedsLock(result);
            ended = _state == State.Ended;
        }
        if (ended)
            _owner.OnEnded(this);
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
    }

    public override string ToString() => $"{_owner.Describe(this)} ({_handle}, {_state})";

    private void WaitForDataNeedsLock()
    {
#pragma warning disable CA2012 // consumed once: by OnData, or by the end
        _read = _pipe.Reader.ReadAsync().ConfigureAwait(false).GetAwaiter();
#pragma warning restore CA2012
        // Also where it has completed already: that is the next turn's work.
        _read.UnsafeOnCompleted(_onData);
    }

    private void WriteNeedsLock(ReadResult result)
    {
        ReadOnlySequence<byte> buffer = result.Buffer;
        PosixResult written = WriteAll(_handle.Descriptor, ref buffer);
        _pipe.Reader.AdvanceTo(buffer.Start, buffer.Start);
        if (written.IsError && written.Errno != EAGAIN)
        {
            EndByErrorNeedsLock(written);
        }
        else if (!buffer.IsEmpty)
        {
            _state = State.Blocked;
            ModifyNeedsLock(Writable);
        }
        else if (result.IsCompleted)
        {
            EndNeedsLock(null);
        }
        else
        {
            _state = State.Waiting;
            ModifyNeedsLock(PeerGone);
            if (_state == State.Waiting)
                WaitForDataNeedsLock();
        }
    }

    /// <summary>Writes until all is written, the pipe is full, or the turn's share is used; takes what was written off <paramref name="buffer"/>.</summary>
    private static PosixResult WriteAll(int descriptor, ref ReadOnlySequence<byte> buffer)
    {
        for (int total = 0; !buffer.IsEmpty && total < PipeDefaults.BytesPerTurn;)
        {
            PosixResult written = GatheredWrite.Write(descriptor, buffer);
            if (written.IsError)
                return written;
            total += written.IntValue;
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
            PipeLog.WriteFailed(_logger, e, this);
            EndNeedsLock(e);
        }
    }

    /// <summary>While it waits, a read is pending: if that has found data by now, they are too late.</summary>
    private void EndByPeerNeedsLock()
    {
        bool queued = _state == State.Blocked || (_read.IsCompleted && !_read.GetResult().Buffer.IsEmpty);
        if (queued)
        {
            EndByErrorNeedsLock(PosixResult.Failure(EPIPE));
            return;
        }
        PipeLog.PeerClosed(_logger, this);
        EndNeedsLock(null);
    }

    private void EndByErrorNeedsLock(PosixResult written)
    {
        IOException error = PosixError.ToException(written, $"write to {_owner.Describe(this)}");
        PipeLog.WriteFailed(_logger, error, this);
        EndNeedsLock(error);
    }

    private void EndNeedsLock(Exception? error)
    {
        _state = State.Ended;
        _failure = error;
        _registration?.Dispose();
        _handle.Dispose();
        _pipe.Reader.Complete(error);
    }
}
