using Microsoft.Extensions.Logging;
using UnixLoop.Selector;

namespace UnixLoop.Transports.Pipes;

/// <summary>What both engines without epoll are (<see cref="BlockingTurn"/>): a runner, and an end that comes once, from the runner or from outside.</summary>
#pragma warning disable CA1001 // the runner disposes the turn, last
internal abstract class BlockingPump : IPump, IReadyHandler
#pragma warning restore CA1001
{
    private readonly UnixEventLoop _loop;
    private readonly IPumpOwner _owner;
    private readonly string _doing;

    // Guarded by Gate.
    private volatile bool _ended;
    private bool _runnerLeft;
    private NotedLines _noted;

    /// <param name="loop">Its end is the pump's.</param>
    /// <param name="end">Owned from <see cref="Start"/> on.</param>
    /// <param name="onThread">Otherwise the end is a file, for the thread pool.</param>
    /// <param name="use">What is done with it.</param>
    /// <param name="owner">Told of the end.</param>
    /// <param name="logger">For errors that are no errors, at Debug.</param>
    protected BlockingPump(UnixEventLoop loop, PipeEnd end, bool onThread, PipeUse use, IPumpOwner owner, ILogger logger)
    {
        (_loop, _owner, _doing) = (loop, owner, use == PipeUse.Read ? "Reading" : "Writing");
        (End, Logger) = (end, logger);
        Turn = new BlockingTurn(end, onThread, use);
    }

    public bool IsEnded => _ended;

    public Exception? Failure { get; private set; }

    protected Lock Gate { get; } = new();

    protected PipeEnd End { get; }

    protected BlockingTurn Turn { get; }

    protected ILogger Logger { get; }

    /// <summary>"standard input"; for messages.</summary>
    protected string Name => _owner.Describe(this);

    public void Start() => Turn.Start(_loop, this, RunAsync, $"{_loop.Name} {Name}");

    public void OnReady(uint events)
    {
        // The eventfd is for the runner.
    }

    public void OnLoopEnded() => Close(new ObjectDisposedException(nameof(UnixEventLoop), $"The loop ended before {Name} did."));

    public void Close(Exception? error)
    {
        lock (Gate)
        {
            if (_ended)
                return;
            EndNeedsLock(error);
            if (!_runnerLeft)
                Turn.Stop();
        }
        WakeRunner();
        _owner.OnEnded(this);
        _noted.Write();
    }

    public override string ToString() => $"{Name} ({End}, {(_ended ? "Ended" : _doing)}, {(Turn.OnThread ? "thread" : "thread pool")})";

    /// <summary>Moves bytes until <see cref="IsEnded"/>, through a block of its own, so that a close need not wait for a call. On a thread of its own it never awaits, so that it stays there.</summary>
    protected abstract Task MoveAsync(byte[] block);

    /// <summary>Tells the other side of the pipe, once.</summary>
    protected abstract void CompleteNeedsLock(Exception? error);

    /// <summary>It may wait for more than the turn.</summary>
    protected virtual void WakeRunner()
    {
    }

    /// <summary>Nothing happens if it has ended already.</summary>
    protected void EndFromRunner(Exception? error)
    {
        lock (Gate)
        {
            if (_ended)
                return;
            EndNeedsLock(error);
        }
        _owner.OnEnded(this);
        _noted.Write();
    }

    private async Task RunAsync()
    {
        try
        {
            await MoveAsync(new byte[Turn.MostBytes]).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            EndFromRunner(e);
        }
        finally
        {
            lock (Gate)
            {
                _runnerLeft = true;
                Turn.Dispose();
            }
        }
    }

    private void EndNeedsLock(Exception? error)
    {
        Failure = error;
        _ended = true;
        try
        {
            CompleteNeedsLock(error);
        }
        catch (Exception e)
        {
            _noted.AddLostAwaiter(_loop, this, e);
        }
    }
}
