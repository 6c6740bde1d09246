using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using UnixLoop.Interop;
using UnixLoop.Selector;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.Pipes;

/// <summary>Reads what epoll can't serve (<see cref="BlockingTurn"/>). The bytes pass through a block of its own, so that a close need not wait for a read.</summary>
#pragma warning disable CA1001 // the runner disposes it, last
internal sealed class BlockingReadPump : IPump, IReadyHandler
#pragma warning restore CA1001
{
    private readonly Lock _gate = new();
    private readonly UnixEventLoop _loop;
    private readonly PipeEnd _end;
    private readonly BlockingTurn _turn;
    private readonly Pipe _pipe;
    private readonly IPumpOwner _owner;
    private readonly ILogger _logger;

    // Guarded by _gate.
    private volatile bool _ended;
    private bool _runnerLeft;

    /// <param name="loop">Its end is the pump's.</param>
    /// <param name="end">Owned from <see cref="Start"/> on.</param>
    /// <param name="onThread">Otherwise the end is a file, for the thread pool.</param>
    /// <param name="owner">Told of the end.</param>
    /// <param name="logger">For errors that are no errors, at Debug.</param>
    /// <param name="flow">Marks of the reader.</param>
    internal BlockingReadPump(UnixEventLoop loop, PipeEnd end, bool onThread, IPumpOwner owner, ILogger logger, PipeFlow flow)
    {
        _loop = loop;
        _end = end;
        _owner = owner;
        _logger = logger;
        _pipe = flow.ForReading(loop, PipeScheduler.ThreadPool);
        _turn = new BlockingTurn(end, onThread, PipeUse.Read);
    }

    public bool IsEnded => _ended;

    public Exception? Failure { get; private set; }

    internal PipeReader Reader => _pipe.Reader;

    public void Start() => _turn.Start(_loop, this, RunAsync, $"{_loop.Name} {_owner.Describe(this)}");

    public void OnReady(uint events)
    {
        // The eventfd is for the runner.
    }

    public void OnLoopEnded() =>
        Close(new ObjectDisposedException(nameof(UnixEventLoop), $"The loop ended before {_owner.Describe(this)} did."));

    public void Close(Exception? error)
    {
        lock (_gate)
        {
            if (_ended)
                return;
            EndNeedsLock(error);
            if (!_runnerLeft)
                _turn.Stop();
        }
        _owner.OnEnded(this);
    }

    public override string ToString() => $"{_owner.Describe(this)} ({_end}, {(_ended ? "Ended" : "Reading")}, {(_turn.OnThread ? "thread" : "thread pool")})";

    /// <summary>On a thread of its own it never awaits, so that it stays there.</summary>
    private async Task RunAsync()
    {
        byte[] block = new byte[_turn.MostBytes];
        try
        {
            while (!_ended && _turn.WaitUntilReady())
            {
                PosixResult read = Libc.Read(_end.Descriptor, block);
                if (read.Errno == EAGAIN)
                    continue; // the description's other users may have made it non-blocking
                ValueTask<FlushResult> flush = Take(read, block);
                if (flush.IsCompleted || !_turn.OnThread)
                    await flush.ConfigureAwait(false);
                else
                    flush.AsTask().GetAwaiter().GetResult();
            }
        }
        catch (Exception e)
        {
            EndFromRunner(e);
        }
        finally
        {
            lock (_gate)
            {
                _runnerLeft = true;
                _turn.Dispose();
            }
        }
    }

    private ValueTask<FlushResult> Take(PosixResult read, byte[] block)
    {
        if (read.Value > 0)
        {
            lock (_gate)
            {
                if (_ended)
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
            PipeLog.HungUp(_logger, this);
            EndFromRunner(null);
        }
        else
        {
            IOException error = PosixError.ToException(read, $"read from {_owner.Describe(this)}");
            PipeLog.ReadFailed(_logger, error, this);
            EndFromRunner(error);
        }
        return default;
    }

    private void EndFromRunner(Exception? error)
    {
        lock (_gate)
        {
            if (_ended)
                return;
            EndNeedsLock(error);
        }
        _owner.OnEnded(this);
    }

    private void EndNeedsLock(Exception? error)
    {
        Failure = error;
        _ended = true;
        _pipe.Writer.CancelPendingFlush(); // the runner may wait in one
        _pipe.Writer.Complete(error);
    }
}
