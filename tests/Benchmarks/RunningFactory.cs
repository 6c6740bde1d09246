namespace UnixLoop.Benchmarks;

/// <summary>A loop with a watcher and a factory, for the suites that need children.</summary>
internal sealed class RunningFactory : IAsyncDisposable
{
    internal RunningFactory()
    {
        Watcher.Attach(Running.Loop);
        Factory = new(Running.Loop, Watcher);
    }

    internal RunningLoop Running { get; } = new();

    internal PidfdChildWatcher Watcher { get; } = new();

    internal SubprocessFactory Factory { get; }

    public async ValueTask DisposeAsync()
    {
        await Factory.DisposeAsync();
        Watcher.Dispose();
        Running.Dispose();
    }
}
