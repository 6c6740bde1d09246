using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Subprocesses;

/// <summary>
/// ReadLinesAsync, from the spawn to the last line. The loop reads and queues; lines are cut on the reader's thread. Disposed
/// before the end, it stops the child.
/// </summary>
internal sealed class LineRun : IChildConsumer, IAsyncDisposable
{
    private readonly SubprocessServices _services;
    private readonly SubprocessRunOptions _options;
    private readonly EarlyStop _early;
    private readonly ChunkQueue _queue = new();
    private readonly LineSplitter _outputLines;
    private readonly LineSplitter _errorLines;
    private readonly TailBuffer _errorTail = new(SubprocessFailedException.TailBytes + 1);
    private ChildProcess? _child;
    private InputFeed? _feed;
    private CancellationToken _cancellationToken;
    private string _command = "";
    private ITimer? _drainTimer;
    private Chunk _chunk;
    private int _position;
    private RunSpan _span;
    private SubprocessLine _current;
    private volatile bool _hasExited;

    private LineRun(SubprocessServices services, SubprocessRunOptions options)
    {
        _services = services;
        _options = options;
        _early = new EarlyStop(services, options, OnStopping);
        _outputLines = new LineSplitter(isError: false, options.MaxLineBytes);
        _errorLines = new LineSplitter(isError: true, options.MaxLineBytes);
    }

    internal static async IAsyncEnumerable<SubprocessLine> ReadAsync(
        SubprocessLauncher launcher, SubprocessStartInfo startInfo, SubprocessRunOptions options, bool recordArguments,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        LineRun run = await StartAsync(launcher, startInfo, options, recordArguments, cancellationToken).ConfigureAwait(false);
        await using (run.ConfigureAwait(false))
        {
            while (await run.MoveNextAsync().ConfigureAwait(false))
                yield return run._current;
        }
    }

    private static async Task<LineRun> StartAsync(
        SubprocessLauncher launcher, SubprocessStartInfo startInfo, SubprocessRunOptions options, bool recordArguments, CancellationToken cancellationToken)
    {
        RunSpan span = RunSpan.Start(startInfo, recordArguments);
        var run = new LineRun(launcher.Services, options);
        try
        {
            ChildProcess child = await launcher.LaunchAsync(startInfo, RunStreams.Of(startInfo, options), run, cancellationToken).ConfigureAwait(false);
            // What follows a line is the caller's code: not on the thread that launched.
            if (LaunchThread.IsCurrent)
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            span.OnStarted(child);
            run.Begin(child, span, startInfo.ToString(), cancellationToken);
            return run;
        }
        catch (Exception e)
        {
            span.EndWithFailure(e);
            throw;
        }
    }

    public IReadSink OpenOutput(bool isError) => _queue.Open(isError);

    public IPump OpenInput(UnixHandle writeEnd, ChildProcess child) => InputFeed.Open(_services, _options.Input!, writeEnd, child);

    private void Begin(ChildProcess child, RunSpan span, string command, CancellationToken cancellationToken)
    {
        _child = child;
        _span = span;
        _command = command;
        _cancellationToken = cancellationToken;
        _early.Arm(child, cancellationToken); // before the feed, which may fail at once
        _feed = InputFeed.Begin(_services, _options, child, _early);
    }

    /// <summary>Goes to the next line; false after the last one of a child that succeeded.</summary>
    private async ValueTask<bool> MoveNextAsync()
    {
        // What was read before a time-out is delivered; a caller who cancels wants no more.
        while (_early.Reason is RunEnd.None or RunEnd.TimedOut)
        {
            // Before the queue is looked at: what ended then is in the queue by now.
            bool ended = _hasExited && _child!.OpenOutputs == 0;
            if (TryTakeLine())
                return true;
            if (ended)
                return TryTakeLastLine() || End();
            await _queue.WaitAsync().ConfigureAwait(false);
        }
        return await EndEarlyAsync().ConfigureAwait(false);
    }

    /// <summary>Leaves no child, whatever has been read so far.</summary>
    public async ValueTask DisposeAsync()
    {
        _early.Disarm();
        _queue.Discard();
        if (!_early.CannotStop)
            await _child!.StopQuietlyAsync(_options.StopGrace, CancellationToken.None).ConfigureAwait(false);
        _drainTimer?.Dispose();
        _child!.CloseStreams(null);
        if (_feed is not null)
            await _feed.DisposeAsync().ConfigureAwait(false);
        ReturnChunk();
        _outputLines.Release();
        _errorLines.Release();
        _span.End(_child, _early.Reason);
    }

    public void OnExited(ChildProcess child)
    {
        _child = child;
        if (child.OpenOutputs > 0)
            _drainTimer = _services.Loop.Clock.CreateTimer(static self => ((LineRun)self!).OnDrainBound(), this, _options.DrainBound, Timeout.InfiniteTimeSpan);
        _hasExited = true;
        _queue.Wake();
    }

    public void OnOutputEnded(ChildProcess child) => _queue.Wake();

    private void OnDrainBound()
    {
        SubprocessLog.OutputCutOff(_services.Logger, _child!.FileName, _child.Id, _options.DrainBound);
        _child.CloseOutputs();
    }

    private void OnStopping() => _queue.Wake();

    private bool TryTakeLine()
    {
        while (true)
        {
            if (_position == _chunk.Length)
            {
                ReturnChunk();
                if (!_queue.TryTake(out _chunk))
                    return false;
                if (_chunk.IsError)
                    _errorTail.Append(_chunk.Bytes);
            }
            ReadOnlySpan<byte> rest = _chunk.Bytes[_position..];
            bool taken = (_chunk.IsError ? _errorLines : _outputLines).TryTakeLine(ref rest, out SubprocessLine line);
            _position = _chunk.Length - rest.Length;
            if (taken)
            {
                _current = line;
                return true;
            }
        }
    }

    private bool TryTakeLastLine()
    {
        if (!_outputLines.TryTakeLast(out SubprocessLine line) && !_errorLines.TryTakeLast(out line))
            return false;
        _current = line;
        return true;
    }

    private bool End()
    {
        ChildExitStatus exit = _child!.ExitStatus!.Value;
        if (_early.Reason == RunEnd.TimedOut)
            throw new TimeoutException($"'{_command}' was stopped at its time-out of {_options.Timeout}: {exit}.");
        if ((_queue.Error ?? _child.InputError) is { } broken)
            ExceptionDispatchInfo.Throw(broken);
        return exit.IsSuccess ? false : throw new SubprocessFailedException(_command, exit, _errorTail.Bytes);
    }

    private async ValueTask<bool> EndEarlyAsync()
    {
        _queue.Discard();
        if (!_early.CannotStop)
            await _child!.Exited.ConfigureAwait(false);
        if (_early.Reason == RunEnd.Cancelled)
            throw new OperationCanceledException(_cancellationToken);
        ExceptionDispatchInfo.Throw(_early.Failure!);
        return false;
    }

    private void ReturnChunk()
    {
        if (_chunk.Buffer is not null)
            _chunk.Return();
        _chunk = default;
        _position = 0;
    }
}
