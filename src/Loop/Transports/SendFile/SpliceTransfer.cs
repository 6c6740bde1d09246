using System.Buffers;
using System.IO.Pipelines;
using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.SendFile;

// splice(2) says EAGAIN both for an empty pipe and for a full socket. Which of the two is told by what was waited for: the side
// that has just been reported ready is not the one that holds it up.
//
//   state         event                       next state
//   Created       RunAsync                    AwaitsPipe
//   AwaitsPipe    readable: some bytes        AwaitsPipe, in the next turn
//   AwaitsPipe    readable: EAGAIN            AwaitsSocket
//   AwaitsSocket  writable: some bytes        AwaitsSocket, in the next turn
//   AwaitsSocket  writable: EAGAIN            AwaitsPipe
//   any           end of file, error, cancel, the pipe's or the connection's end   Ended
/// <summary>Moves a pipe's bytes to a socket inside the kernel, at most 256 KiB a turn.</summary>
internal sealed class SpliceTransfer : IOutputOperation, IPipeBorrower
{
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ReadPump _pipe;
    private readonly IOperableOutput _output;

    // Guarded by _gate.
    private State _state;
    private Exception? _stop;
    private long _sent;

    internal SpliceTransfer(ReadPump pipe, IOperableOutput output)
    {
        _pipe = pipe;
        _output = output;
    }

    private enum State
    {
        Created,
        AwaitsPipe,
        AwaitsSocket,
        Ended,
    }

    public string Name => $"splice from {_pipe}";

    /// <summary>Whether the pipe's end was met.</summary>
    private bool IsAtEnd { get; set; }

    /// <summary>Whether the kernel can't splice these two, and nothing was moved.</summary>
    private bool IsRefused { get; set; }

    /// <summary>
    /// Copies what <paramref name="reader"/> has read already, then moves what comes until the pipe's end. Both are as before
    /// afterwards, also after a cancel: what was moved is moved, and the rest is still in the pipe.
    /// </summary>
    /// <returns>False if it has to be copied: nothing is lost, the reader and the writer can go on.</returns>
    internal static async Task<bool> TryCopyAsync(PipeReader reader, ReadPump pipe, PipeWriter writer, IOperableOutput output, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        SpliceTransfer transfer = new(pipe, output);
        if (!pipe.TryLend(transfer))
            return false;
        try
        {
            if (!await CopyWhatWasReadAsync(reader, writer, cancellationToken).ConfigureAwait(false))
                return true;
            await output.BeginOutputOperationAsync(transfer, cancellationToken).ConfigureAwait(false);
            await transfer.RunAsync(cancellationToken).ConfigureAwait(false);
            return !transfer.IsRefused;
        }
        finally
        {
            pipe.TakeBack(transfer.IsAtEnd);
        }
    }

    public void OnReadable() => Move(State.AwaitsPipe);

    public void OnWritable() => Move(State.AwaitsSocket);

    public void OnPipeGone(Exception? error) =>
        Stop(error ?? new ObjectDisposedException(nameof(PipeReader), $"{_pipe} was closed while it was copied."));

    public void OnOutputGone(Exception error) => Stop(error);

    /// <returns>False if the reader or the writer is at its end.</returns>
    private static async Task<bool> CopyWhatWasReadAsync(PipeReader reader, PipeWriter writer, CancellationToken cancellationToken)
    {
        while (reader.TryRead(out ReadResult read))
        {
            FlushResult flushed = default;
            SequencePosition copied = read.Buffer.Start;
            try
            {
                foreach (ReadOnlyMemory<byte> part in read.Buffer)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    writer.Write(part.Span);
                    copied = read.Buffer.GetPosition(part.Length, copied); // the writer's now, however the wait for room ends
                    flushed = await writer.FlushAsync(cancellationToken).ConfigureAwait(false);
                }
            }
            finally
            {
                reader.AdvanceTo(copied);
            }
            if (read.IsCompleted || flushed.IsCompleted)
                return false;
        }
        return true;
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        Exception? stop;
        lock (_gate)
        {
            stop = _stop;
            _state = stop is null ? State.AwaitsPipe : State.Ended;
        }
        if (stop is not null)
            End(stop);
        else
            Await(State.AwaitsPipe);
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
        if (_pipe.Splice(_output.Descriptor, FileTransfer.BytesPerTurn) is not { } moved)
            return _state;
        if (moved.Value > 0)
        {
            _sent += moved.Value;
            return _state;
        }
        if (moved.Errno == EAGAIN)
            return _state == State.AwaitsPipe ? State.AwaitsSocket : State.AwaitsPipe;
        if (moved.IsSuccess)
            IsAtEnd = true;
        else if (_sent == 0 && moved.Errno is var errno && (errno == EINVAL || errno == ENOSYS || errno == EPERM))
            IsRefused = true;
        else
            error = PosixError.ToException(moved, $"splice from {_pipe} to {_output}, after {_sent} bytes");
        return State.Ended;
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
                if (state == State.AwaitsPipe)
                {
                    _output.WantWritable(false);
                    _pipe.WantReadable(true);
                }
                else
                {
                    _pipe.WantReadable(false);
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
        lock (_gate)
        {
            _stop ??= reason;
            if (_state is State.Created or State.Ended)
                return;
            _state = State.Ended;
        }
        End(reason);
    }

    private void End(Exception? error)
    {
        bool isOfSocket = error is IOException { HResult: var errno } && (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN);
        _output.EndOutputOperation(this, _sent, isOfSocket ? error : null);
        if (error is OperationCanceledException canceled)
            _done.TrySetCanceled(canceled.CancellationToken);
        else if (error is not null)
            _done.TrySetException(error);
        else
            _done.TrySetResult();
    }
}
