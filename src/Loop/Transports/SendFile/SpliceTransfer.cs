using System.IO.Pipelines;
using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.SendFile;

// splice(2) says EAGAIN both for an empty source and for a full target. Which of the two is told by what was waited for: the side
// that has just been reported ready is not the one that holds it up.
//
//   state         event                       next state
//   Created       RunAsync, unless stopped    AwaitsSource
//   AwaitsSource  readable: some bytes        AwaitsSource, in the next turn
//   AwaitsSource  readable: EAGAIN            AwaitsTarget
//   AwaitsTarget  writable: some bytes        AwaitsTarget, in the next turn
//   AwaitsTarget  writable: EAGAIN            AwaitsSource
//   any           end of file, error, cancel, either side's end   Ended
/// <summary>Moves bytes inside the kernel between a pipe and a socket, or two pipes, at most 256 KiB a turn.</summary>
internal sealed class SpliceTransfer : IOutputOperation, ISpliceBorrower
{
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ISpliceSource _source;
    private readonly IOperableOutput _output;

    // Guarded by _gate.
    private State _state;
    private Exception? _stop;

    /// <summary>Before it began, and not told yet.</summary>
    private bool _isReadCanceled;

    /// <summary>While the output is waited for, which may be for as long as its peer does not read.</summary>
    private CancellationTokenSource? _begin;
    private long _sent;
    private Exception? _sourceFailure;
    private Exception? _outputFailure;

    private SpliceTransfer(ISpliceSource source, IOperableOutput output)
    {
        _source = source;
        _output = output;
    }

    private enum State
    {
        Created,
        AwaitsSource,
        AwaitsTarget,
        Ended,
    }

    public string Name => $"splice from {_source}";

    /// <summary>Whether the source's end was met.</summary>
    private bool IsAtEnd { get; set; }

    /// <summary>Whether the kernel can't splice these two, and nothing was moved.</summary>
    private bool IsRefused { get; set; }

    /// <summary>
    /// Copies what <paramref name="reader"/> has read already, then moves what comes until the source's end. Both are as before
    /// afterwards, also after a cancel: what was moved is moved, and the rest is still to be read.
    /// </summary>
    /// <returns>False if it has to be copied: nothing is lost, the reader and the writer can go on.</returns>
    internal static async Task<bool> TryCopyAsync(PipeReader reader, ISpliceSource source, PipeWriter writer, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (writer is not IOperableOutput output || writer is PumpedPipeWriter { CanBeLent: false } || !(source.IsPipe || output.IsPipe))
            return false;
        SpliceTransfer transfer = new(source, output);
        if (!source.TryLend(transfer))
            return false;
        try
        {
            while (reader.TryRead(out ReadResult read))
            {
                if (!await PipeCopy.CopyAsync(read, reader, writer, cancellationToken).ConfigureAwait(false))
                    return true;
            }
            await transfer.BeginAsync(cancellationToken).ConfigureAwait(false);
            await transfer.RunAsync(cancellationToken).ConfigureAwait(false);
            return !transfer.IsRefused;
        }
        finally
        {
            source.TakeBack(transfer.IsAtEnd, transfer._sourceFailure);
            if (transfer.EndAndTakeCancel())
                reader.CancelPendingRead();
        }
    }

    public void OnReadable() => Move(State.AwaitsSource);

    public void OnWritable() => Move(State.AwaitsTarget);

    public void OnSourceGone(Exception? error) =>
        Stop(error ?? new ObjectDisposedException(nameof(PipeReader), $"{_source} was closed while it was copied."));

    public void OnOutputGone(Exception error) => Stop(error);

    public bool TryCancelRead()
    {
        CancellationTokenSource? begin = null;
        bool isCreated;
        lock (_gate)
        {
            if (_state == State.Ended)
                return false;
            isCreated = _state == State.Created;
            if (isCreated)
                (_isReadCanceled, begin) = (true, _begin);
            else
                _state = State.Ended;
        }
        if (isCreated)
            EndWait(begin);
        else
            End(PipeCopy.ReadCanceled());
        return true;
    }

    /// <summary>Ends also with the source, and by a cancelled read, be it one of the time when what had been read was copied.</summary>
    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        using var begin = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        lock (_gate)
            _begin = begin;
        try
        {
            if (TakeStop() is { } early)
                throw early;
            await _output.BeginOutputOperationAsync(this, begin.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (e.CancellationToken == begin.Token)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw TakeStop() ?? e;
        }
        finally
        {
            lock (_gate)
                _begin = null;
        }
    }

    /// <summary>Off the lock: the output has one of its own.</summary>
    private static void EndWait(CancellationTokenSource? begin)
    {
        try
        {
            begin?.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has begun meanwhile, and then meets the reason by itself.
        }
    }

    /// <summary>Why it is not to begin; null if it may.</summary>
    private Exception? TakeStop()
    {
        lock (_gate)
        {
            if (_stop is null && _isReadCanceled)
                (_stop, _isReadCanceled) = (PipeCopy.ReadCanceled(), false);
            return _stop;
        }
    }

    /// <summary>Whether a cancel came that has not ended the copy, since something else did: it is the next read's, and so is one that comes later.</summary>
    private bool EndAndTakeCancel()
    {
        lock (_gate)
        {
            _state = State.Ended;
            return _isReadCanceled;
        }
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        Exception? stop;
        lock (_gate)
        {
            stop = TakeStop();
            _state = stop is null ? State.AwaitsSource : State.Ended;
        }
        if (stop is not null)
            End(stop);
        else
            Await(State.AwaitsSource);
        using (cancellationToken.UnsafeRegister(static (self, token) => ((SpliceTransfer)self!).Stop(new OperationCanceledException(token)), this))
            await _done.Task.ConfigureAwait(false);
    }

    private void Move(State awaited)
    {
        State next;
        Exception? error = null;
        lock (_gate)
        {
            if (_state != awaited)
                return;
            next = MoveNeedsLock(out error);
            if (next == awaited)
                return;
            _state = next;
        }
        if (next == State.Ended)
            End(error);
        else
            Await(next);
    }

    private State MoveNeedsLock(out Exception? error)
    {
        error = null;
        // Gone: whoever closed it tells, or has told, why.
        if (_source.Splice(_output.Descriptor, FileTransfer.BytesPerTurn) is not { } moved)
            return _state;
        if (moved.Value > 0)
        {
            _sent += moved.Value;
            return _state;
        }
        if (moved.Errno == EAGAIN)
            return _state == State.AwaitsSource ? State.AwaitsTarget : State.AwaitsSource;
        if (moved.IsSuccess)
            IsAtEnd = true;
        else if (_sent == 0 && moved.Errno is var errno && (errno == EINVAL || errno == ENOSYS || errno == EPERM))
            IsRefused = true;
        else
            NoteNeedsLock(moved, error = PosixError.ToException(moved, $"splice from {_source} to {_output}, after {_sent} bytes"));
        return State.Ended;
    }

    /// <summary>Whose error it is: EPIPE is the target's, and of what a socket says by itself that socket's.</summary>
    private void NoteNeedsLock(PosixResult moved, Exception error)
    {
        bool isOfSocket = moved.Errno == ECONNRESET || moved.Errno == ENOTCONN;
        if (moved.Errno == EPIPE || (isOfSocket && !_output.IsPipe))
            _outputFailure = error;
        else if (isOfSocket && !_source.IsPipe)
            _sourceFailure = error;
    }

    private void Await(State state)
    {
        try
        {
            lock (_gate)
            {
                // Late, it would undo what has come after it: another state, or the end and the writes behind it.
                if (_state != state)
                    return;
                // Off first: else the side that is ready would be reported until the other is on.
                if (state == State.AwaitsSource)
                {
                    _output.WantWritable(false);
                    _source.WantReadable(true);
                }
                else
                {
                    _source.WantReadable(false);
                    _output.WantWritable(true);
                }
            }
        }
        catch (Exception e)
        {
            Stop(e);
        }
    }

    private void Stop(Exception reason)
    {
        CancellationTokenSource? begin = null;
        bool isCreated;
        lock (_gate)
        {
            _stop ??= reason;
            if (_state == State.Ended)
                return;
            isCreated = _state == State.Created;
            if (isCreated)
                begin = _begin;
            else
                _state = State.Ended;
        }
        if (isCreated)
            EndWait(begin);
        else
            End(reason);
    }

    private void End(Exception? error)
    {
        _output.EndOutputOperation(this, _sent, _outputFailure);
        if (error is OperationCanceledException canceled)
            _done.TrySetCanceled(canceled.CancellationToken);
        else if (error is not null)
            _done.TrySetException(error);
        else
            _done.TrySetResult();
    }
}
