namespace UnixLoop.Subprocesses;

/// <summary>A start that moves to another thread. What follows it there is the library's own code, never the caller's, but for log providers and metric listeners.</summary>
internal sealed class LaunchRequest(
    SubprocessLauncher launcher, SubprocessStartInfo startInfo, RunStreams streams, IChildConsumer consumer, CancellationToken cancellationToken)
{
    private readonly TaskCompletionSource<ChildProcess> _launched = new();

    internal Task<ChildProcess> Launched => _launched.Task;

    internal void Run()
    {
        ValueTask<ChildProcess> launched = launcher.LaunchHereAsync(startInfo, streams, consumer, cancellationToken);
        if (launched.IsCompletedSuccessfully)
            _launched.SetResult(launched.Result);
        else
            _ = SettleAsync(launched.AsTask());
    }

    private async Task SettleAsync(Task<ChildProcess> launched)
    {
        await ((Task)launched).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _launched.SetFromTask(launched);
    }
}
