namespace UnixLoop.Benchmarks;

/// <summary>A loop that runs, and the two ways in which the suites wait for its thread without allocating.</summary>
internal sealed class RunningLoop : IDisposable
{
    private readonly AutoResetEvent _done = new(false);

    internal RunningLoop() => Loop.StartAsync().GetAwaiter().GetResult();

    internal UnixEventLoop Loop { get; } = new(new() { Name = "benchmark" });

    /// <summary>For the loop's thread: lets <see cref="Wait"/> return.</summary>
    internal void Done() => _done.Set();

    /// <summary>For the benchmark's thread: sleeps until <see cref="Done"/>.</summary>
    internal void Wait() => _done.WaitOne();

    public void Dispose()
    {
        Loop.Dispose();
        _done.Dispose();
    }
}
