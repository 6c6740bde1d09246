using System.Runtime.ExceptionServices;
using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Subprocesses;

// RunAsync, from the spawn to the result. The loop fills the captures straight from read(2); the caller is woken once, when the
// last of these has happened: the exit, and the end of each captured stream.
//
//   open streams after the exit, held by another process
//     the run ended by itself or timed out    they have DrainBound, then they are closed and the result is truncated
//     it was cancelled, or it failed          they are closed at once
internal sealed class CaptureRun : IChildConsumer
{
    private readonly SubprocessServices _services;
    private readonly SubprocessRunOptions _options;
    private readonly EarlyStop _early;
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CaptureSink? _output;
    private readonly CaptureSink? _error;
    private ChildProcess? _child;
    private ITimer? _drainTimer;
    private bool _isCutOff;
    private int _awaited = 1; // the exit

    private CaptureRun(SubprocessServices services, SubprocessRunOptions options, RunStreams streams)
    {
        _services = services;
        _options = options;
        _early = new EarlyStop(services, options, OnStopping);
        _output = Capture(streams.Output);
        _error = Capture(streams.Error);
    }

    internal static async Task<SubprocessResult> RunAsync(
        SubprocessLauncher launcher, SubprocessStartInfo startInfo, SubprocessRunOptions options, bool recordArguments, CancellationToken cancellationToken)
    {
        RunSpan span = RunSpan.Start(startInfo, recordArguments);
        RunStreams streams = RunStreams.Of(startInfo, options);
        var run = new CaptureRun(launcher.Services, options, streams);
        ChildProcess child;
        try
        {
            child = await launcher.LaunchAsync(startInfo, streams, run, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            span.EndWithStartFailure(e);
            throw;
        }
        span.OnStarted(child);
        string command = startInfo.ToString();
        await run.AwaitEndAsync(child, cancellationToken).ConfigureAwait(false);
        span.End(child, run._early.Reason);
        return run.ToResult(child, command, cancellationToken);
    }

    public IReadSink OpenOutput(bool isError) => isError ? _error! : _output!;

    public IPump OpenInput(UnixHandle writeEnd, ChildProcess child) => InputFeed.Open(_services, _options.Input!, writeEnd, child);

    private async Task AwaitEndAsync(ChildProcess child, CancellationToken cancellationToken)
    {
        _child = child;
        InputFeed? feed = InputFeed.Begin(_services, _options, child, _early);
        _early.Arm(child, cancellationToken);
        await _done.Task.ConfigureAwait(false);
        _early.Disarm();
        _drainTimer?.Dispose();
        child.CloseStreams(null);
        if (feed is not null)
            await feed.DisposeAsync().ConfigureAwait(false);
    }

    public void OnExited(ChildProcess child)
    {
        _child = child;
        if (child.OpenOutputs > 0)
        {
            if (_early.Reason is RunEnd.Cancelled or RunEnd.Failed)
                child.CloseOutputs();
            else
                _drainTimer = _services.Loop.Clock.CreateTimer(static self => ((CaptureRun)self!).OnDrainBound(), this, _options.DrainBound, Timeout.InfiniteTimeSpan);
        }
        Arrive();
    }

    public void OnOutputEnded(ChildProcess child) => Arrive();

    private CaptureSink? Capture(Stdio stream)
    {
        if (stream.Kind != StdioKind.Pipe)
            return null;
        _awaited++;
        return new CaptureSink(_options.MaxOutputBytes);
    }

    private void OnDrainBound()
    {
        Volatile.Write(ref _isCutOff, true);
        SubprocessLog.OutputCutOff(_services.Logger, _child!.FileName, _child.Id, _options.DrainBound);
        _child.CloseOutputs();
    }

    private void OnStopping()
    {
        if (_early.CannotStop)
            _done.TrySetResult();
        else if (_early.Reason is RunEnd.Cancelled or RunEnd.Failed && _child!.HasExited)
            _child.CloseOutputs();
    }

    private void Arrive()
    {
        if (Interlocked.Decrement(ref _awaited) == 0)
            _done.TrySetResult();
    }

    private SubprocessResult ToResult(ChildProcess child, string command, CancellationToken cancellationToken)
    {
        byte[] output = _output?.Take() ?? [];
        byte[] error = _error?.Take() ?? [];
        switch (_early.Reason)
        {
            case RunEnd.Cancelled:
                throw new OperationCanceledException(cancellationToken);
            case RunEnd.Failed:
                ExceptionDispatchInfo.Throw(_early.Failure!);
                break;
        }
        if ((_output?.Error ?? _error?.Error ?? child.InputError) is { } broken)
            ExceptionDispatchInfo.Throw(broken);
        bool truncated = Volatile.Read(ref _isCutOff) || _output is { IsTruncated: true } || _error is { IsTruncated: true };
        return new SubprocessResult(command, child.ExitStatus!.Value, output, error, truncated, _early.Reason == RunEnd.TimedOut);
    }
}
