using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Subprocesses;

/// <summary>
/// ReadLinesAsync of a child or of a pipeline, from the spawn to the last line. The loop reads and queues; lines are cut on the reader's thread. Disposed
/// before the end, it stops them all.
/// </summary>
internal sealed class LineRun : IRunOwner, IAsyncDisposable
{
    private readonly SubprocessServices _services;
    private readonly SubprocessRunOptions _options;
    private readonly EarlyStop _early;
    private readonly ChunkQueue _queue = new();
    private readonly RunMembers _members;
    private readonly TaskCompletionSource _unstoppable = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Members may be started by several threads at once: both are guarded by _sources until all have been.
    private readonly List<LineSource> _sources = [];
    private readonly Dictionary<RunMember, TailBuffer> _errorTails = [];
    private InputFeed? _feed;
    private CancellationToken _cancellationToken;
    private ITimer? _drainTimer;
    private Chunk _chunk;
    private int _position;
    private SubprocessLine _current;
    private Exception? _failure;
    private RunEnd? _told;
    private volatile bool _hasExited;

    private LineRun(SubprocessServices services, IReadOnlyList<SubprocessStartInfo> programs, SubprocessRunOptions options)
    {
        _services = services;
        _options = options;
        _early = new EarlyStop(services, options, OnStopping);
        _members = new RunMembers(this, programs);
    }

    internal static async IAsyncEnumerable<SubprocessLine> ReadAsync(
        SubprocessLauncher launcher, IReadOnlyList<SubprocessStartInfo> programs, SubprocessRunOptions options, bool recordArguments,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        RunOptionRules.Check(programs[0], options); // again: a start info may have changed since the call
        var run = new LineRun(launcher.Services, programs, options);
        await run._members.StartAsync(launcher, options, recordArguments, cancellationToken).ConfigureAwait(false);
        run.Begin(cancellationToken);
        await using (run.ConfigureAwait(false))
        {
            while (await run.MoveNextAsync().ConfigureAwait(false))
                yield return run._current;
        }
    }

    public IReadSink OpenOutput(RunMember member, bool isError)
    {
        var source = new LineSource(LineFormat.Of(_options, isError));
        lock (_sources)
        {
            _sources.Add(source);
            if (source.Tail is { } tail)
                _errorTails.Add(member, tail);
        }
        return _queue.Open(source);
    }

    public IPump OpenInput(UnixHandle writeEnd, ChildProcess child) => InputFeed.Open(_services, _options.Input!, writeEnd, child);

    private void Begin(CancellationToken cancellationToken)
    {
        _cancellationToken = cancellationToken;
        _early.Arm(_members, cancellationToken); // before the feed, which may fail at once
        _feed = InputFeed.Begin(_services, _options, _members.First.Child!, _early);
    }

    /// <summary>Goes to the next line; false after the last one of a child that succeeded.</summary>
    private async ValueTask<bool> MoveNextAsync()
    {
        while (true)
        {
            // In this order: the reason for an end is known before it, and what was read until then is in the queue.
            bool ended = _hasExited && _members.OpenOutputs == 0;
            RunEnd reason = _early.Reason;
            // What was read before a time-out is delivered; a caller who cancels wants no more.
            if (reason is RunEnd.Cancelled or RunEnd.Failed)
                return await EndEarlyAsync().ConfigureAwait(false);
            if (TryTakeLine())
                return true;
            if (ended)
                return TryTakeLastLine() || End(reason);
            await _queue.WaitAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Leaves no child, whatever has been read so far.</summary>
    public async ValueTask DisposeAsync()
    {
        _early.Disarm();
        _queue.Discard();
        if (!_early.CannotStop)
            await _members.StopQuietlyAsync(_options.StopGrace).ConfigureAwait(false);
        _drainTimer?.Dispose();
        _members.CloseStreams();
        if (_feed is not null)
            await _feed.DisposeAsync().ConfigureAwait(false);
        ReturnChunk();
        foreach (LineSource source in _sources)
            source.Lines.Release();
        _members.EndSpans(_told ?? _early.Reason, _failure);
    }

    public void OnAllExited()
    {
        if (_members.OpenOutputs > 0)
            _drainTimer = _services.Loop.Clock.CreateTimer(static self => ((LineRun)self!).OnDrainBound(), this, _options.DrainBound, Timeout.InfiniteTimeSpan);
        _hasExited = true;
        _queue.Wake();
    }

    public void OnOutputEnded() => _queue.Wake();

    private void OnDrainBound() => _members.CutOff(_services.Logger, _options.DrainBound);

    private void OnStopping()
    {
        if (_early.CannotStop)
            _unstoppable.TrySetResult();
        _queue.Wake();
    }

    private bool TryTakeLine()
    {
        while (true)
        {
            if (_position == _chunk.Length)
            {
                ReturnChunk();
                if (!_queue.TryTake(out _chunk))
                    return false;
                _chunk.Source.Tail?.Append(_chunk.Bytes);
            }
            ReadOnlySpan<byte> rest = _chunk.Bytes[_position..];
            bool taken = _chunk.Source.Lines.TryTakeLine(ref rest, out SubprocessLine line);
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
        foreach (LineSource source in _sources)
        {
            if (source.Lines.TryTakeLast(out _current))
                return true;
        }
        return false;
    }

    private bool End(RunEnd reason)
    {
        _told = reason;
        int deciding = _members.IndexOfDeciding();
        RunMember member = _members.All[deciding];
        ChildExitStatus exit = member.Child!.ExitStatus!.Value;
        if (reason == RunEnd.TimedOut)
            throw new TimeoutException($"'{_members.Command}' was stopped at its time-out of {_options.Timeout}: {exit}.");
        _failure = _queue.Error ?? _members.First.Child!.InputError;
        if (_failure is not null)
            ExceptionDispatchInfo.Throw(_failure);
        if (exit.IsSuccess)
            return false;
        throw new SubprocessFailedException(
            member.Command, _members.PlaceOf(deciding), exit, _errorTails.TryGetValue(member, out TailBuffer? tail) ? tail.Bytes : default, TextEncodings.Lenient(_options.Encoding));
    }

    private async ValueTask<bool> EndEarlyAsync()
    {
        _queue.Discard();
        // A signal may be refused while we wait: that of a later rung, or of another member.
        await Task.WhenAny(_members.WaitForExitAsync(), _unstoppable.Task).ConfigureAwait(false);
        _told = _early.Reason;
        if (_told == RunEnd.Cancelled)
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
