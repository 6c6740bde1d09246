using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using UnixLoop.Interop;
using UnixLoop.Selector;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.Pipes;

/// <summary>Writes what epoll can't serve (<see cref="BlockingTurn"/>). The bytes pass through a block of its own, so that a close need not wait for a write.</summary>
#pragma warning disable CA1001 // the runner disposes the turn, last; a semaphore without a wait handle needs none
internal sealed class BlockingWritePump : IWritePump, IReadyHandler
#pragma warning restore CA1001
{
    private readonly Lock _gate = new();
    private readonly UnixEventLoop _loop;
    private readonly PipeEnd _end;
    private readonly BlockingTurn _turn;
    private readonly Pipe _pipe;
    private readonly IPumpOwner _owner;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _wake = new(0);
    private readonly Action _onData;

    // Guarded by _gate.
    private volatile bool _ended;
    private bool _runnerLeft;
    private ConfiguredValueTaskAwaitable<ReadResult>.ConfiguredValueTaskAwaiter _read;

    private long _written;

    /// <param name="loop">Its end is the pump's.</param>
    /// <param name="end">Owned from <see cref="Start"/> on.</param>
    /// <param name="onThread">Otherwise the end is a file, for the thread pool.</param>
    /// <param name="owner">Told of the end.</param>
    /// <param name="logger">For errors on the peer's side, at Debug.</param>
    /// <param name="flow">Marks of the writer.</param>
    internal BlockingWritePump(UnixEventLoop loop, PipeEnd end, bool onThread, IPumpOwner owner, ILogger logger, PipeFlow flow)
    {
        _loop = loop;
        _end = end;
        _owner = owner;
        _logger = logger;
        _pipe = flow.ForWriting(loop, PipeScheduler.Inline);
        _onData = () => _wake.Release();
        _turn = new BlockingTurn(end, onThread, PipeUse.Write);
    }

    public bool IsEnded => _ended;

    public Exception? Failure { get; private set; }

    public PipeWriter Writer => _pipe.Writer;

    public long BytesWritten => Volatile.Read(ref _written);

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
        _wake.Release();
        _owner.OnEnded(this);
    }

    public override string ToString() => $"{_owner.Describe(this)} ({_end}, {(_ended ? "Ended" : "Writing")}, {(_turn.OnThread ? "thread" : "thread pool")})";

    /// <summary>On a thread of its own it never awaits, so that it stays there.</summary>
    private async Task RunAsync()
    {
        byte[] block = new byte[_turn.MostBytes];
        try
        {
            while (TryAsk())
            {
                if (_turn.OnThread)
                    _wake.Wait();
                else
                    await _wake.WaitAsync().ConfigureAwait(false);
                if (!TryTake(block, out int count, out bool isLast) || !WriteAll(block.AsSpan(0, count)))
                    break;
                if (isLast)
                    EndFromRunner(null);
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

    /// <summary>Asks for bytes; the semaphore tells of them, or of the end. False when there is nothing to ask any more.</summary>
    private bool TryAsk()
    {
        lock (_gate)
        {
            if (_ended)
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
        lock (_gate)
        {
            (count, isLast) = (0, false);
            if (_ended)
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
            if (_ended || !_turn.WaitUntilReady())
                return false;
            PosixResult written = Libc.Write(_end.Descriptor, bytes);
            if (written.Errno == EAGAIN)
                continue; // the description's other users may have made it non-blocking
            if (written.IsError)
            {
                IOException error = PosixError.ToException(written, $"write to {_owner.Describe(this)}");
                PipeLog.WriteFailed(_logger, error, this);
                EndFromRunner(error);
                return false;
            }
            Volatile.Write(ref _written, _written + written.IntValue);
            bytes = bytes[written.IntValue..];
        }
        return true;
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
        _pipe.Reader.Complete(error);
    }
}
