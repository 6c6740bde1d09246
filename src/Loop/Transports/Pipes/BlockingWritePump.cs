using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.Pipes;

/// <summary>Writes what epoll can't serve.</summary>
#pragma warning disable CA1001 // a semaphore without a wait handle needs no disposal
internal sealed class BlockingWritePump : BlockingPump, IWritePump
#pragma warning restore CA1001
{
    private readonly Pipe _pipe;
    private readonly SemaphoreSlim _wake = new(0);
    private readonly Action _onData;

    /// <summary>Guarded by the gate.</summary>
    private ConfiguredValueTaskAwaitable<ReadResult>.ConfiguredValueTaskAwaiter _read;

    private long _written;

    internal BlockingWritePump(UnixEventLoop loop, PipeEnd end, bool onThread, IPumpOwner owner, ILogger logger, PipeFlow flow)
        : base(loop, end, onThread, PipeUse.Write, owner, logger)
    {
        _pipe = flow.ForWriting(loop, PipeScheduler.Inline);
        _onData = () => _wake.Release();
    }

    public PipeWriter Writer => _pipe.Writer;

    public long BytesWritten => Volatile.Read(ref _written);

    protected override async Task MoveAsync(byte[] block)
    {
        while (TryAsk())
        {
            if (Turn.OnThread)
                _wake.Wait();
            else
                await _wake.WaitAsync().ConfigureAwait(false);
            if (!TryTake(block, out int count, out bool isLast) || !WriteAll(block.AsSpan(0, count)))
                break;
            if (isLast)
                EndFromRunner(null);
        }
    }

    protected override void WakeRunner() => _wake.Release();

    protected override void CompleteNeedsLock(Exception? error) => _pipe.Reader.Complete(error);

    /// <summary>Asks for bytes; the semaphore tells of them, or of the end. False when there is nothing to ask any more.</summary>
    private bool TryAsk()
    {
        lock (Gate)
        {
            if (IsEnded)
                return false;
#pragma warning disable CA2012 // consumed once: by TryTake
            _read = _pipe.Reader.ReadAsync().ConfigureAwait(false).GetAwaiter();
#pragma warning restore CA2012
            if (_read.IsCompleted)
                _wake.Release();
            else
                _read.UnsafeOnCompleted(_onData);
            return true;
        }
    }

    private bool TryTake(byte[] block, out int count, out bool isLast)
    {
        lock (Gate)
        {
            (count, isLast) = (0, false);
            if (IsEnded)
                return false;
            ReadResult result = _read.GetResult();
            ReadOnlySequence<byte> taken = result.Buffer.Slice(0, Math.Min(block.Length, result.Buffer.Length));
            taken.CopyTo(block);
            count = (int)taken.Length;
            isLast = result.IsCompleted && count == result.Buffer.Length;
            _pipe.Reader.AdvanceTo(taken.End);
            return true;
        }
    }

    private bool WriteAll(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (IsEnded || !Turn.WaitUntilReady())
                return false;
            PosixResult written = Libc.Write(End.Descriptor, bytes);
            if (written.Errno == EAGAIN)
                continue; // the description's other users may have made it non-blocking
            if (written.IsError)
            {
                IOException error = PosixError.ToException(written, $"write to {Name}");
                PipeLog.WriteFailed(Logger, error, this);
                EndFromRunner(error);
                return false;
            }
            Volatile.Write(ref _written, _written + written.IntValue);
            bytes = bytes[written.IntValue..];
        }
        return true;
    }
}
