using System.Runtime.ExceptionServices;
using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Subprocesses;

// RunAsync, from the spawn to the result. The loop fills the captures straight from read(2). What follows runs wherever the last
// of these has happened, which is the loop as a rule: the start's return, the exit, and the end of each captured stream. Only
// then is the caller woken, once. Large captures and spans go to the thread pool first, so that they do not hold the loop.
//
//   open streams after the exit, held by another process
//     the run ended by itself or timed out    they have DrainBound, then they are closed and the result is truncated
//     it was cancelled, or it failed          they are closed at once
//
// Callbacks and no awaits where all goes as usual: a state machine and a task for each of these would be a tenth of a short run's objects.
internal sealed class CaptureRun : IChildConsumer
{
    private const int LargeCapture = 64 * 1024;

    private readonly SubprocessServices _services;
    private readonly SubprocessRunOptions _options;
    private readonly CancellationToken _cancellationToken;

    /// <summary>Null where nothing can stop the run.</summary>
    private readonly EarlyStop? _early;
    private readonly TaskCompletionSource<SubprocessResult> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CaptureSink? _output;
    private readonly CaptureSink? _error;
    private RunSpan _span;
    private ChildProcess? _child;
    private string _command = "";
    private InputFeed? _feed;
    private ITimer? _drainTimer;
    private bool _isCutOff;
    private int _awaited = 2; // the start's return, and the exit

    // What ends a run that can't be stopped comes from any thread, and may come before the start has returned: each of the two
    // sets its own and then looks at the other's, with a fence in between.
    private volatile bool _hasStarted;
    private int _isGivenUp;
    private int _isOver;

    private CaptureRun(SubprocessServices services, SubprocessRunOptions options, RunStreams streams, CancellationToken cancellationToken)
    {
        _services = services;
        _options = options;
        _cancellationToken = cancellationToken;
        if (EarlyStop.IsPossible(options, cancellationToken))
            _early = new EarlyStop(services, options, OnStopping);
        _output = Capture(streams.Output.Kind is StdioKind.Pipe or StdioKind.Pty);
        _error = Capture(streams.Error.Kind is StdioKind.Pipe); // a terminal's comes with the output
    }

    private RunEnd Reason => _early is null ? RunEnd.None : _early.Reason;

    private bool IsLong => _span.IsRecorded || (_output?.Length ?? 0) + (_error?.Length ?? 0) > LargeCapture;

    internal static Task<SubprocessResult> RunAsync(
        SubprocessLauncher launcher, SubprocessStartInfo startInfo, SubprocessRunOptions options, bool recordArguments, CancellationToken cancellationToken)
    {
        RunStreams streams = RunStreams.Of(startInfo, options);
        var run = new CaptureRun(launcher.Services, options, streams, cancellationToken);
        run.Start(launcher, startInfo, streams, recordArguments);
        return run._result.Task;
    }

    private void Start(SubprocessLauncher launcher, SubprocessStartInfo startInfo, RunStreams streams, bool recordArguments)
    {
        try
        {
            _span = RunSpan.Start(startInfo, recordArguments);
            ValueTask<ChildProcess> launched = launcher.LaunchAsync(startInfo, streams, this, _cancellationToken);
            if (launched.IsCompletedSuccessfully)
                OnStarted(launched.Result, startInfo);
            else
                _ = AwaitStartAsync(launched, startInfo);
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private async Task AwaitStartAsync(ValueTask<ChildProcess> launched, SubprocessStartInfo startInfo)
    {
        try
        {
            OnStarted(await launched.ConfigureAwait(false), startInfo);
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private void OnStarted(ChildProcess child, SubprocessStartInfo startInfo)
    {
        _child = child;
        _span.OnStarted(child);
        _command = startInfo.ToString();
        if (_early is not null)
        {
            _early.Arm(child, _cancellationToken); // before the feed, which may fail at once
            _feed = InputFeed.Begin(_services, _options, child, _early);
        }
        _hasStarted = true;
        Arrive();
        if (Volatile.Read(ref _isGivenUp) != 0)
            Finish();
    }

    public bool MayReadLater => true;

    public IReadSink OpenOutput(bool isError) => isError ? _error! : _output!;

    public IPump OpenInput(UnixHandle writeEnd, ChildProcess child) => InputFeed.Open(_services, _options.Input!, writeEnd, child);

    public void OnExited(ChildProcess child)
    {
        _child = child;
        if (child.OpenOutputs > 0)
        {
            if (Reason is RunEnd.Cancelled or RunEnd.Failed)
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
        if (_early!.CannotStop)
        {
            Interlocked.Exchange(ref _isGivenUp, 1);
            if (_hasStarted)
                Finish();
        }
        else if (_early.Reason is RunEnd.Cancelled or RunEnd.Failed && _child!.HasExited)
        {
            _child.CloseOutputs();
        }
    }

    private void Arrive()
    {
        if (Interlocked.Decrement(ref _awaited) == 0)
            Finish();
    }

    private void Finish()
    {
        if (Interlocked.Exchange(ref _isOver, 1) != 0)
            return;
        try
        {
            _early?.Disarm();
            _drainTimer?.Dispose();
            _child!.CloseStreams(null);
            if (_feed is null && !IsLong)
                Settle();
            else
                _ = SettleLaterAsync();
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private async Task SettleLaterAsync()
    {
        try
        {
            if (_feed is not null)
                await _feed.DisposeAsync().ConfigureAwait(false);
            if (IsLong)
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            Settle();
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private void Settle()
    {
        _span.End(_child!, Reason);
        _result.SetResult(ToResult(_child!));
    }

    private void Fail(Exception failure)
    {
        _span.EndWithFailure(failure);
        if (failure is OperationCanceledException canceled && canceled.CancellationToken == _cancellationToken)
            _result.SetCanceled(_cancellationToken);
        else
            _result.SetException(failure);
    }

    private SubprocessResult ToResult(ChildProcess child)
    {
        byte[] output = _output?.Take() ?? [];
        byte[] error = _error?.Take() ?? [];
        switch (Reason)
        {
            case RunEnd.Cancelled:
                throw new OperationCanceledException(_cancellationToken);
            case RunEnd.Failed:
                ExceptionDispatchInfo.Throw(_early!.Failure!);
                break;
        }
        if ((_output?.Error ?? _error?.Error ?? child.InputError) is { } broken)
            ExceptionDispatchInfo.Throw(broken);
        bool truncated = Volatile.Read(ref _isCutOff) || _output is { IsTruncated: true } || _error is { IsTruncated: true };
        return new SubprocessResult(_command, child.ExitStatus!.Value, output, error, truncated, Reason == RunEnd.TimedOut)
        {
            Encoding = TextEncodings.Lenient(_options.Encoding),
        };
    }
}
