using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;

namespace UnixLoop.Hosting.Supervision;

/// <summary>One child of a process, from its start to the last line that it wrote. Tells its owner when it is there, when it is ready, and, once, how it ended.</summary>
internal sealed class SupervisedRun : IDisposable
{
    /// <summary>A grandchild may hold the output open for ever.</summary>
    private static readonly TimeSpan DrainBound = TimeSpan.FromSeconds(1);

    private readonly SupervisionContext _context;
    private readonly SupervisedProcessOptions _options;
    private readonly SupervisedProcess _owner;
    private readonly Readiness _readiness;
    private readonly ILogger _output;
    private readonly CancellationTokenSource _over = new();
    private volatile ISubprocess? _child;
    private volatile Ladder? _ladder;

    internal SupervisedRun(SupervisionContext context, SupervisedProcessOptions options, SupervisedProcess owner, ILogger output)
    {
        _context = context;
        _options = options;
        _owner = owner;
        _output = output;
        _readiness = new Readiness(options);
    }

    /// <summary>Null until the child is there.</summary>
    internal int? ProcessId => _child?.Id;

    /// <summary>What it wrote may not have been logged yet.</summary>
    internal bool HasChildEnded => _child?.ExitStatus is not null;

    internal string FileName => _options.FileName;

    internal bool NeedsToShowReadiness => _readiness.IsNeeded;

    internal void Start() => _ = Task.Run(RunAsync);

    /// <summary>False if there is no child.</summary>
    internal bool Signal(UnixSignal signal) => _child is { } child && child.Signal(signal);

    /// <summary>Begins to take the child down, or cancels its start.</summary>
    internal void Stop()
    {
        _over.Cancel();
        if (_child is not { } child)
            return;
        Ladder ladder = NewLadder();
        _ladder = ladder;
        _ = StopAsync(child, ladder.Grace);
    }

    /// <summary>Until it accepts, or the run is over or stopped.</summary>
    internal void WatchSocket() => _ = WatchSocketAsync();

    public void Dispose()
    {
        _over.Cancel();
        _over.Dispose();
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A run that did not tell its end would leave its process in a state for ever.")]
    private async Task RunAsync()
    {
        RunEnd end;
        try
        {
            end = await StartAndFollowAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_child is null && _over.IsCancellationRequested)
        {
            end = RunEnd.Cancelled;
        }
        catch (Exception e) when (_child is null)
        {
            end = new RunEnd(null, null, e);
        }
        catch (Exception e)
        {
            SupervisionLog.OutputLost(_context.Logger, _owner.Name, _child!.Id, e);
            end = new RunEnd(_child.Id, _child.ExitStatus ?? default(ChildExitStatus), null);
        }

        _owner.OnEnded(this, end);
    }

    private async Task<RunEnd> StartAndFollowAsync()
    {
        ISubprocess child = await _context.Children.StartAsync(StartInfo.Of(_options), _over.Token).ConfigureAwait(false);
        await using (child.ConfigureAwait(false))
        {
            _child = child;
            _owner.OnSpawned(this);
            Task lines = Task.WhenAll(
                ReadAsync(child, isError: false),
                ReadAsync(child, isError: true));
            (ChildExitStatus status, bool truncated) = await child.WaitForExitAndDrainAsync(DrainBound).ConfigureAwait(false);
            // Once the host's time is over, the supervisor kills what has not come to its stop's turn.
            Ladder? stopped = _ladder ?? (_context.Hurry.IsCancellationRequested ? NewLadder() : null);
            if (stopped is { } ladder && ladder.Grace > TimeSpan.Zero && status.Signal == UnixSignal.Kill && UnixSignal.Parse(_options.StopSignal) != UnixSignal.Kill)
                SupervisionLog.ProcessKilled(_context.Ending, _owner.Name, child.Id, _context.Clock.GetElapsedTime(ladder.Began), _options.StopSignal, ladder.Grace);
            if (truncated)
                SupervisionLog.OutputCutOff(_context.Logger, _owner.Name, child.Id, DrainBound);
            // Before the end is told: all that it wrote has been logged by then.
            await lines.ConfigureAwait(false);
            return new RunEnd(child.Id, status, null);
        }
    }

    private async Task ReadAsync(ISubprocess child, bool isError)
    {
        try
        {
            await OutputLines.ReadAsync(isError ? child.Error : child.Output, line => OnLine(child.Id, line, isError)).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            SupervisionLog.OutputLost(_context.Logger, _owner.Name, child.Id, e);
        }
    }

    private void OnLine(int pid, string line, bool isError)
    {
        if (isError && _options.StandardErrorAsWarning)
            SupervisionLog.ErrorOutput(_output, _owner.Name, pid, line);
        else
            SupervisionLog.Output(_output, _owner.Name, pid, line);

        try
        {
            if (_readiness.IsShownBy(line))
                _owner.OnReady(this);
        }
        catch (RegexMatchTimeoutException)
        {
            SupervisionLog.PatternTooSlow(_context.Logger, _owner.Name, Readiness.PatternTimeout);
        }
    }

    private async Task WatchSocketAsync()
    {
        try
        {
            await _readiness.WaitForSocketAsync(_context.Clock, _over.Token).ConfigureAwait(false);
            _owner.OnReady(this);
        }
        catch (OperationCanceledException)
        {
            // The run is over.
        }
    }

    private Ladder NewLadder() => new(_context.Clock.GetTimestamp(), _options.StopGrace ?? _context.DefaultGrace);

    private async Task StopAsync(ISubprocess child, TimeSpan grace)
    {
        try
        {
            await child.StopAsync(grace, _context.Hurry).ConfigureAwait(false);
        }
        catch (UnauthorizedAccessException e)
        {
            SupervisionLog.StopForbidden(_context.Logger, _owner.Name, child.Id, e);
        }
    }

    /// <param name="Began">A timestamp of the clock: when the child was told to stop.</param>
    /// <param name="Grace">Until KILL.</param>
    private sealed record Ladder(long Began, TimeSpan Grace);
}
