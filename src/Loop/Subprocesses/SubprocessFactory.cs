namespace UnixLoop;

/// <summary>Starts child processes and watches them on an event loop; works without a host.</summary>
public sealed class SubprocessFactory : ISubprocessFactory, IAsyncDisposable
{
    /// <summary>A factory over a running loop and an attached watcher; logs and metrics are the loop's.</summary>
    /// <param name="loop">Must be a <see cref="UnixEventLoop"/>.</param>
    /// <param name="watcher">Attached to a loop before the first start; not disposed by the factory.</param>
    public SubprocessFactory(IUnixEventLoop loop, IChildWatcher watcher) => throw new NotImplementedException();

    /// <inheritdoc/>
    public ValueTask<ISubprocess> StartAsync(SubprocessStartInfo startInfo, CancellationToken cancellationToken = default) => throw new NotImplementedException();
    /// <inheritdoc/>
    public Task<SubprocessResult> RunAsync(SubprocessStartInfo startInfo, SubprocessRunOptions? options = null, CancellationToken cancellationToken = default) => throw new NotImplementedException();
    /// <inheritdoc/>
    public IAsyncEnumerable<SubprocessLine> ReadLinesAsync(SubprocessStartInfo startInfo, SubprocessRunOptions? options = null, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>
    /// Refuses further starts, and stops all children that were started here and still run, in parallel, by the ladder of
    /// <see cref="ISubprocess.StopAsync"/>.
    /// </summary>
    /// <param name="grace">Time between TERM and KILL.</param>
    /// <param name="cancellationToken">Skips what is left of the grace; the reaps are then awaited for at most 1 s.</param>
    /// <returns>The children that were running, those that needed KILL marked.</returns>
    public Task<IReadOnlyList<StoppedSubprocess>> StopAllAsync(TimeSpan grace, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Kills and reaps what still runs.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}

/// <summary>A child that was stopped together with its factory.</summary>
/// <param name="Id">Its process id.</param>
/// <param name="FileName">What was started.</param>
/// <param name="Status">How it ended; null if it could not be reaped in time.</param>
/// <param name="Killed">Whether it outlived its grace and needed KILL.</param>
public readonly record struct StoppedSubprocess(int Id, string FileName, ChildExitStatus? Status, bool Killed);
