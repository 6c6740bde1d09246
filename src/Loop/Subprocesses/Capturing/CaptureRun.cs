using System.Runtime.ExceptionServices;
using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Subprocesses;

// RunAsync, from the spawn to the result. The loop fills the captures straight from read(2). What follows runs wherever the last
// of these has happened, which is the loop as a rule: the exit, and the end of each captured stream. Only then is the caller
// woken, once. Large captures and spans go to the thread pool first, so that they do not hold the loop.
//
//   open streams after the exit, held by another process
//     the run ended by itself or timed out    they have DrainBound, then they are closed and the result is truncated
//     it was cancelled, or it failed          they are closed at once
internal sealed class CaptureRun : IChildConsumer
{
    private const int LargeCapture = 64 * 1024;

    private readonly SubprocessServices _services;
    private readonly SubprocessRunOptions _options;
    private readonly EarlyStop _early;
    private readonly TaskCompletionSource<SubprocessResult> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _done = new();
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
        _output = Capture(streams.Output.Kind is StdioKind.Pipe or StdioKind.Pty);
        _error = Capture(streams.Error.Kind is StdioKind.Pipe); // a terminal's comes with the output
    }

    internal static Task<SubprocessResult> RunAsync(
        SubprocessLauncher launcher, SubprocessStartInfo startInfo, SubprocessRunOptions options, bool recordArguments, CancellationToken cancellationToken)
    {
        RunStreams streams = RunStreams.Of(startInfo, options);
        var run = new CaptureRun(launcher.Services, options, streams);
        _ = run.SettleAsync(launcher, startInfo, streams, recordArguments, cancellationToken);
        return run._result.Task;
    }

    private async Task SettleAsync(
        SubprocessLauncher launcher, SubprocessStartInfo startInfo, RunStreams streams, bool recordArguments, CancellationToken cancellationToken)
    {
        RunSpan span = default;
        try
        {
            span = RunSpan.Start(startInfo, recordArguments);
            string command = startInfo.ToString(); // before there is a child: a list that is changed meanwhile throws
            ChildProcess child = await launcher.LaunchAsync(startInfo, streams, this, cancellationToken).ConfigureAwait(false);
            span.OnStarted(child);
            await AwaitEndAsync(child, cancellationToken).ConfigureAwait(false);
            if (span.IsRecorded || (_output?.Length ?? 0) + (_error?.Length ?? 0) > LargeCapture)
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            byte[] output = _output?.Take() ?? [], error = _error?.Take() ?? [];
            RunEnd reason = _early.Reason;
            Exception? failure = FailureOf(child, reason, cancellationToken);
            span.End(child, reason, failure);
            if (failure is not null)
                ExceptionDispatchInfo.Throw(failure);
            _result.SetResult(ToResult(child, command, output, error, reason));
        }
        catch (OperationCanceledException e) when (cancellationToken.IsCancellationRequested && e.CancellationToken == cancellationToken)
        {
            await span.EndWithFailureAsync(e).ConfigureAwait(false);
            _result.SetCanceled(cancellationToken);
        }
        catch (Exception e)
        {
            await span.EndWithFailureAsync(e).ConfigureAwait(false);
            _result.SetException(e);
        }
    }

    public bool MayReadLater => true;

    public IReadSink OpenOutput(bool isError) => isError ? _error! : _output!;

    public IPump OpenInput(UnixHandle writeEnd, ChildProcess child) => InputFeed.Open(_services, _options.Input!, writeEnd, child);

    private async Task AwaitEndAsync(ChildProcess child, CancellationToken cancellationToken)
    {
        _child = child;
        _early.Arm(child, cancellationToken); // before the feed, which may fail at once
        InputFeed? feed = InputFeed.Begin(_services, _options, child, _early);
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

    private CaptureSink? Capture(bool isRead)
    {
        if (!isRead)
            return null;
        _awaited++;
        return new CaptureSink(_options.MaxOutputBytes);
    }

    private void OnDrainBound()
    {
        if (_child!.OpenOutputs == 0)
            return; // they ended while the timer fired
        Volatile.Write(ref _isCutOff, true);
        SubprocessLog.OutputCutOff(_services.Logger, _child.FileName, _child.Id, _options.DrainBound);
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

    private Exception? FailureOf(ChildProcess child, RunEnd reason, CancellationToken cancellationToken) => reason switch
    {
        RunEnd.Cancelled => new OperationCanceledException(cancellationToken),
        RunEnd.Failed => _early.Failure,
        _ => _output?.Error ?? _error?.Error ?? child.InputError,
    };

    private SubprocessResult ToResult(ChildProcess child, string command, byte[] output, byte[] error, RunEnd reason)
    {
        bool truncated = Volatile.Read(ref _isCutOff) || _output is { IsTruncated: true } || _error is { IsTruncated: true };
        return new SubprocessResult(command, child.ExitStatus!.Value, output, error, truncated, reason == RunEnd.TimedOut)
        {
            Encoding = TextEncodings.Lenient(_options.Encoding),
        };
    }
}
