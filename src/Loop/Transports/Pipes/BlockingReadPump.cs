using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.Pipes;

/// <summary>Reads what epoll can't serve.</summary>
internal sealed class BlockingReadPump : BlockingPump
{
    private readonly Pipe _pipe;

    internal BlockingReadPump(UnixEventLoop loop, PipeEnd end, bool onThread, IPumpOwner owner, ILogger logger, PipeFlow flow)
        : base(loop, end, onThread, PipeUse.Read, owner, logger) =>
        _pipe = flow.ForReading(loop, PipeScheduler.ThreadPool);

    internal PipeReader Reader => _pipe.Reader;

    protected override async Task MoveAsync(byte[] block)
    {
        while (!IsEnded && Turn.WaitUntilReady())
        {
            PosixResult read = Libc.Read(End.Descriptor, block);
            if (read.Errno == EAGAIN)
                continue; // the description's other users may have made it non-blocking
            ValueTask<FlushResult> flush = Take(read, block);
            if (flush.IsCompleted || !Turn.OnThread)
                await flush.ConfigureAwait(false);
            else
                flush.AsTask().GetAwaiter().GetResult();
        }
    }

    protected override void CompleteNeedsLock(Exception? error)
    {
        _pipe.Writer.CancelPendingFlush(); // the runner may wait in one
        _pipe.Writer.Complete(error);
    }

    private ValueTask<FlushResult> Take(PosixResult read, byte[] block)
    {
        if (read.Value > 0)
        {
            lock (Gate)
            {
                if (IsEnded)
                    return default;
                block.AsSpan(0, read.IntValue).CopyTo(_pipe.Writer.GetSpan(read.IntValue));
                _pipe.Writer.Advance(read.IntValue);
                return _pipe.Writer.FlushAsync();
            }
        }
        if (read.IsSuccess)
        {
            EndFromRunner(null);
        }
        else if (read.Errno == EIO)
        {
            // A terminal's other side has hung up (tty_ioctl(4)).
            PipeLog.HungUp(Logger, this);
            EndFromRunner(null);
        }
        else
        {
            IOException error = PosixError.ToException(read, $"read from {Name}");
            PipeLog.ReadFailed(Logger, error, this);
            EndFromRunner(error);
        }
        return default;
    }
}
