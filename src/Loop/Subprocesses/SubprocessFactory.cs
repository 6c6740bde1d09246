using System.Runtime.CompilerServices;
using UnixLoop.Subprocesses;

namespace UnixLoop;

/// <summary>Starts child processes and watches them on an event loop; works without a host. Thread-safe.</summary>
public sealed class SubprocessFactory : ISubprocessFactory, IAsyncDisposable, IDisposable
{
    private static readonly TimeSpan LastReaps = TimeSpan.FromSeconds(1);

    private readonly SubprocessServices _services;
    private readonly SubprocessLauncher _launcher;

    /// <summary>When the last reaps began to be awaited; 0 before. They have one bound, however often the end is asked for.</summary>
    private long _lastReapsBegan;

    /// <summary>A factory over a running loop and an attached watcher; logs and metrics are the loop's.</summary>
    /// <param name="loop">Must be a <see cref="UnixEventLoop"/>, and run before the first start.</param>
    /// <param name="watcher">Attached to a loop before the first start; not disposed by the factory.</param>
    /// <exception cref="ArgumentException"><paramref name="loop"/> is of another type.</exception>
    public SubprocessFactory(IUnixEventLoop loop, IChildWatcher watcher)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ArgumentNullException.ThrowIfNull(watcher);
        if (loop is not UnixEventLoop unixLoop)
            throw new ArgumentException($"Needs a {nameof(UnixEventLoop)}, whose selector the pipes are registered in; this is a {loop.GetType()}.", nameof(loop));
        _services = new SubprocessServices(unixLoop, watcher);
        _launcher = new SubprocessLauncher(_services);
    }

    /// <summary>Whether spans carry the program's arguments (<c>process.command_args</c>), which may hold secrets.</summary>
    /// <value>Default false.</value>
    public bool RecordArguments { get; set; }

    /// <summary>
    /// Whether our variables have been read for all children: set to true, it reads them then and there, and what
    /// <see cref="Environment.SetEnvironmentVariable(string, string?)"/> changes later reaches no child. Reading forty variables
    /// at each start takes about a tenth of a start's CPU time (docs/performance.md).
    /// </summary>
    /// <value>Default false: they are read at each start.</value>
    public bool CacheEnvironment
    {
        get => _services.Environment is not null;
        set => _services.Environment = value ? new EnvironmentBlock() : null;
    }

    /// <summary>
    /// Whether a start that is called on the loop's thread happens there, as asyncio's do. That holds the loop, and all that it
    /// serves, until the child's exec (0.1 to 0.6 ms), but saves two hand-overs between threads, which cost more CPU time than
    /// the start itself (docs/performance.md): for a loop that serves little else than children.
    /// </summary>
    /// <value>Default false: such a start moves to another thread.</value>
    public bool StartOnLoop
    {
        get => _launcher.StartOnLoop;
        set => _launcher.StartOnLoop = value;
    }

    /// <inheritdoc/>
    public ValueTask<ISubprocess> StartAsync(SubprocessStartInfo startInfo, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(startInfo);
        bool isRead = IsRead(startInfo.Output) || IsRead(startInfo.Error);
        PipedStreams streams = isRead ? new PipedStreams(_services) : _services.UnreadStreams;
        ValueTask<ChildProcess> launched = _launcher.LaunchAsync(
            startInfo,
            new RunStreams(startInfo.Input ?? Stdio.Inherit, startInfo.Output ?? Stdio.Inherit, startInfo.Error ?? Stdio.Inherit),
            streams,
            cancellationToken);
        if (launched.IsCompletedSuccessfully)
            return ValueTask.FromResult<ISubprocess>(new Subprocess(_services, launched.Result, streams));
        var started = new TaskCompletionSource<ISubprocess>(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = SettleAsync(launched.AsTask(), streams, started);
        return new ValueTask<ISubprocess>(started.Task);
    }

    /// <inheritdoc/>
    [OverloadResolutionPriority(1)]
    public Task<SubprocessResult> RunAsync(SubprocessStartInfo startInfo, SubprocessRunOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(startInfo);
        options = options?.Snapshot() ?? new SubprocessRunOptions();
        RunOptionRules.Check(startInfo, options);
        RunOptionRules.CheckOutputs(startInfo, options, members: 1);
        return options.Output is null && options.Error is null
            ? CaptureRun.RunAsync(_launcher, startInfo, options, RecordArguments, cancellationToken)
            : PipelineRun.RunAsync(_launcher, [startInfo], options, RecordArguments, cancellationToken);
    }

    /// <inheritdoc/>
    [OverloadResolutionPriority(1)]
    public IAsyncEnumerable<SubprocessLine> ReadLinesAsync(SubprocessStartInfo startInfo, SubprocessRunOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(startInfo);
        options = options?.Snapshot() ?? new SubprocessRunOptions();
        RunOptionRules.Check(startInfo, options);
        RunOptionRules.CheckLines(options);
        return LineRun.ReadAsync(_launcher, [startInfo], options, RecordArguments, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<SubprocessResult> RunAsync(SubprocessPipeline pipeline, SubprocessRunOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        options = options?.Snapshot() ?? new SubprocessRunOptions();
        PipelineRules.Check(pipeline, options);
        RunOptionRules.CheckOutputs(pipeline.Members[^1], options, pipeline.Members.Count);
        return PipelineRun.RunAsync(_launcher, pipeline.Members, options, RecordArguments, cancellationToken);
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<SubprocessLine> ReadLinesAsync(SubprocessPipeline pipeline, SubprocessRunOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        options = options?.Snapshot() ?? new SubprocessRunOptions();
        PipelineRules.Check(pipeline, options);
        RunOptionRules.CheckLines(options);
        return LineRun.ReadAsync(_launcher, pipeline.Members, options, RecordArguments, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<int> StartDetachedAsync(SubprocessStartInfo startInfo, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(startInfo);
        return DetachedStart.StartAsync(_launcher, startInfo, cancellationToken);
    }

    /// <inheritdoc/>
    public IWatchedProcess WatchProcess(int processId)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(processId);
        if (!_services.Loop.IsRunning)
            throw new InvalidOperationException($"Loop '{_services.Loop.Name}' is {_services.Loop.State}: it can't watch process {processId}.");
        return WatchedProcess.Open(_services.Loop, processId);
    }

    /// <summary>
    /// Refuses further starts, and stops all children that were started here and still run, in parallel, by the ladder of
    /// <see cref="ISubprocess.StopAsync"/>.
    /// </summary>
    /// <param name="grace">Time between TERM and KILL; zero kills at once.</param>
    /// <param name="cancellationToken">Skips what is left of the grace; the reaps are then awaited for at most 1 s.</param>
    /// <returns>The children that were running, those that needed KILL marked.</returns>
    public async Task<IReadOnlyList<StoppedSubprocess>> StopAllAsync(TimeSpan grace, CancellationToken cancellationToken = default)
    {
        RunOptionRules.CheckDuration(grace);
        List<ChildProcess> children = _services.Live.Close();
        Task stopped = Task.WhenAll(children.ConvertAll(child => child.StopQuietlyAsync(grace, cancellationToken)));
        await stopped.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!stopped.IsCompleted)
            await AwaitReapsAsync(stopped, children).ConfigureAwait(false);
        return children.ConvertAll(child => new StoppedSubprocess(child.Id, child.FileName, child.ExitStatus, child.NeededKill));
    }

    /// <summary>Refuses further starts, kills what still runs, with its groups, and awaits the reaps for at most 1 s; a call after that waits no more.</summary>
    public async ValueTask DisposeAsync()
    {
        List<ChildProcess> children = _services.Live.Close();
        if (children.Count == 0)
            return;
        await AwaitReapsAsync(Task.WhenAll(children.ConvertAll(child => child.DestroyAsync().AsTask())), children).ConfigureAwait(false);
    }

    /// <summary>As <see cref="DisposeAsync"/>, for those who can't await, such as a service provider that is disposed synchronously.</summary>
    /// <remarks>On a loop's thread the reaps are not awaited: they are that thread's work.</remarks>
    public void Dispose()
    {
        Task disposed = DisposeAsync().AsTask();
        if (UnixEventLoop.Current is null)
            disposed.GetAwaiter().GetResult();
    }

    private static bool IsRead(Stdio? stream) => stream?.Kind is StdioKind.Pipe or StdioKind.Pty;

    private async Task SettleAsync(Task<ChildProcess> launched, PipedStreams streams, TaskCompletionSource<ISubprocess> started)
    {
        try
        {
            started.SetResult(new Subprocess(_services, await launched.ConfigureAwait(false), streams));
        }
        catch (OperationCanceledException e)
        {
            started.SetCanceled(e.CancellationToken);
        }
        catch (Exception e)
        {
            started.SetException(e);
        }
    }

    private async Task AwaitReapsAsync(Task reaps, List<ChildProcess> children)
    {
        TimeProvider clock = _services.Loop.Clock;
        long now = clock.GetTimestamp();
        long began = Interlocked.CompareExchange(ref _lastReapsBegan, now, 0);
        bool isFirst = began == 0;
        TimeSpan left = isFirst ? LastReaps : LastReaps - clock.GetElapsedTime(began, now);
        if (left > TimeSpan.Zero)
            await reaps.WaitAsync(left, clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (ChildProcess child in children)
        {
            if (isFirst && child is { HasExited: false, IsBeyondReach: false })
                SubprocessLog.NotReaped(_services.Logger, child.FileName, child.Id, LastReaps);
        }
    }
}
