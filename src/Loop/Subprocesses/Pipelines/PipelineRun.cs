using System.Runtime.ExceptionServices;
using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Subprocesses;

// RunAsync of a pipeline, or with targets of the caller's for the output; as CaptureRun, which is the shorter way for one child
// that is captured, with these differences:
//  - the exit is that of the last member to go, and so are the bounds that follow it;
//  - each member has its own capture of standard error, the last one that of standard output;
//  - once all have exited and all pipes have ended, targets may still be behind: they get the rest, however long that takes,
//    unless the run is cancelled or has failed. After a time-out they have DrainBound for it; then their tokens are cancelled,
//    and the result says that it is truncated.
internal sealed class PipelineRun : IRunOwner
{
    private readonly SubprocessServices _services;
    private readonly SubprocessRunOptions _options;
    private readonly EarlyStop _early;
    private readonly RunMembers _members;

    // Members may be started by several threads at once: both are guarded by _captures until all have been.
    private readonly Dictionary<(RunMember, bool IsError), CaptureSink> _captures = [];
    private readonly List<(RunMember Member, bool IsError, OutputDelivery Delivery)> _deliveries = [];
    private readonly TaskCompletionSource _broken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _timedOut = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<SubprocessResult> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ITimer? _drainTimer;
    private bool _isCutOff;
    private int _awaited;

    private PipelineRun(SubprocessServices services, IReadOnlyList<SubprocessStartInfo> programs, SubprocessRunOptions options)
    {
        _services = services;
        _options = options;
        _early = new EarlyStop(services, options, OnStopping);
        _members = new RunMembers(this, programs);
        _awaited = 1; // that all have exited and are known
    }

    internal static Task<SubprocessResult> RunAsync(
        SubprocessLauncher launcher, IReadOnlyList<SubprocessStartInfo> programs, SubprocessRunOptions options, bool recordArguments, CancellationToken cancellationToken)
    {
        var run = new PipelineRun(launcher.Services, programs, options);
        _ = run.SettleAsync(launcher, recordArguments, cancellationToken);
        return run._result.Task;
    }

    private async Task SettleAsync(SubprocessLauncher launcher, bool recordArguments, CancellationToken cancellationToken)
    {
        try
        {
            await _members.StartAsync(launcher, _options, recordArguments, cancellationToken).ConfigureAwait(false);
            await AwaitEndAsync(cancellationToken).ConfigureAwait(false);
            if (_members.First.IsRecorded)
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // a target may have ended on the loop
            _result.SetResult(End(cancellationToken));
        }
        catch (OperationCanceledException e) when (cancellationToken.IsCancellationRequested && e.CancellationToken == cancellationToken)
        {
            _result.SetCanceled(cancellationToken);
        }
        catch (Exception e)
        {
            _result.SetException(e);
        }
    }

    private SubprocessResult End(CancellationToken cancellationToken)
    {
        RunEnd reason = _early.Reason;
        try
        {
            SubprocessResult result = ToResult(reason, cancellationToken);
            _members.EndSpans(reason, failure: null);
            return result;
        }
        catch (Exception e)
        {
            _members.EndSpans(reason, e);
            throw;
        }
    }

    public IReadSink OpenOutput(RunMember member, bool isError)
    {
        Interlocked.Increment(ref _awaited);
        if ((isError ? _options.Error : _options.Output) is { } target)
        {
            var delivery = new OutputDelivery(_services, target, LineFormat.Of(_options, isError));
            lock (_captures)
                _deliveries.Add((member, isError, delivery));
            return delivery.Sink;
        }
        var capture = new CaptureSink(_options.MaxOutputBytes);
        lock (_captures)
            _captures.Add((member, isError), capture);
        return capture;
    }

    public IPump OpenInput(UnixHandle writeEnd, ChildProcess child) => InputFeed.Open(_services, _options.Input!, writeEnd, child);

    private async Task AwaitEndAsync(CancellationToken cancellationToken)
    {
        _early.Arm(_members, cancellationToken); // before the feed, which may fail at once
        InputFeed? feed = InputFeed.Begin(_services, _options, _members.First.Child!, _early);
        var deliveriesEnd = new CancellationTokenSource();
        Task delivered = Task.WhenAll(_deliveries.Select(entry => entry.Delivery.DeliverAsync(
            (entry.IsError ? entry.Member.Child!.Error : entry.Member.Child!.Output)!, _early, deliveriesEnd.Token)));
        await _done.Task.ConfigureAwait(false);
        await AwaitTargetsAsync(delivered).ConfigureAwait(false);
        await CallersCode.LetGoAsync(deliveriesEnd, delivered, _options.DrainBound, _services.Loop.Clock).ConfigureAwait(false);
        _early.Disarm();
        _drainTimer?.Dispose();
        _members.CloseStreams();
        if (feed is not null)
            await feed.DisposeAsync().ConfigureAwait(false);
    }

    private async Task AwaitTargetsAsync(Task delivered)
    {
        Task settled = Task.WhenAny(delivered, _broken.Task);
        await Task.WhenAny(settled, _timedOut.Task).ConfigureAwait(false); // also one that fell on the last exit, and is told late
        await settled.WaitAsync(_options.DrainBound, _services.Loop.Clock, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!settled.IsCompleted)
            Volatile.Write(ref _isCutOff, true);
    }

    public void OnAllExited()
    {
        if (_members.OpenOutputs > 0)
        {
            if (_early.Reason is RunEnd.Cancelled or RunEnd.Failed)
                _members.CloseOutputs();
            else
                _drainTimer = _services.Loop.Clock.CreateTimer(static self => ((PipelineRun)self!).OnDrainBound(), this, _options.DrainBound, Timeout.InfiniteTimeSpan);
        }
        Arrive();
    }

    public void OnOutputEnded() => Arrive();

    private void OnDrainBound()
    {
        if (_members.OpenOutputs == 0)
            return; // they ended while the timer fired
        Volatile.Write(ref _isCutOff, true);
        _members.CutOff(_services.Logger, _options.DrainBound);
    }

    private void OnStopping()
    {
        if (_early.CannotStop)
            _done.TrySetResult();
        else if (_early.Reason is RunEnd.Cancelled or RunEnd.Failed && _members.HasExited)
            _members.CloseOutputs();
        if (_early.Reason is RunEnd.Cancelled or RunEnd.Failed)
            _broken.TrySetResult();
        else
            _timedOut.TrySetResult();
    }

    private void Arrive()
    {
        if (Interlocked.Decrement(ref _awaited) == 0)
            _done.TrySetResult();
    }

    private SubprocessResult ToResult(RunEnd reason, CancellationToken cancellationToken)
    {
        if (reason == RunEnd.Cancelled)
            throw new OperationCanceledException(cancellationToken);
        if (_early.Failure is { } failure)
            ExceptionDispatchInfo.Throw(failure);
        if (_members.First.Child!.InputError is { } broken)
            ExceptionDispatchInfo.Throw(broken);
        var results = new SubprocessResult[_members.Count];
        for (int i = 0; i < results.Length; i++)
            results[i] = ToResult(_members.All[i], _members.PlaceOf(i), reason);
        if (results is [var only])
            return only;
        return new SubprocessResult(_members.Command, results, _members.IndexOfDeciding()) { Encoding = TextEncodings.Lenient(_options.Encoding) };
    }

    private SubprocessResult ToResult(RunMember member, string place, RunEnd reason)
    {
        bool truncated = Volatile.Read(ref _isCutOff);
        byte[] output = Take(member, isError: false, ref truncated);
        byte[] error = Take(member, isError: true, ref truncated);
        return new SubprocessResult(member.Command, member.Child!.ExitStatus!.Value, output, error, truncated, reason == RunEnd.TimedOut)
        {
            Place = place,
            Encoding = TextEncodings.Lenient(_options.Encoding),
        };
    }

    private byte[] Take(RunMember member, bool isError, ref bool truncated)
    {
        if (!_captures.TryGetValue((member, isError), out CaptureSink? capture))
            return [];
        if (capture.Error is { } broken)
            ExceptionDispatchInfo.Throw(broken);
        truncated |= capture.IsTruncated;
        return capture.Take();
    }
}
