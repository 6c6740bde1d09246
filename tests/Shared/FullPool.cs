namespace UnixLoop.TestSupport;

/// <summary>
/// The thread pool with every thread that it may have, until disposed: for what must not meet a new one. A thread of .NET 10 opens a
/// pipe when it starts, and a pool worker that can't start another ends the process with "Out of memory."; so in a shortage of
/// descriptors none may start. Here are the workers, the pool's gate thread and the timers' thread.
/// </summary>
/// <remarks>
/// Idle workers end after 20 s, and the JIT starts a thread whenever it likes: a process of its own is started by way of
/// <see cref="Via"/>.
/// </remarks>
internal sealed class FullPool : IDisposable
{
    private const int FewestWorkers = 8;

    /// <summary>A program and its arguments that execute a scenario whose workers stay, and whose JIT has no thread.</summary>
    internal static readonly string[] Via = ["env", "DOTNET_ThreadPool_ThreadsToKeepAlive=-1", "DOTNET_TieredCompilation=0"];

    private readonly (int Workers, int Completions) _least;
    private readonly (int Workers, int Completions) _most;

    private FullPool(int workers)
    {
        ThreadPool.GetMinThreads(out _least.Workers, out _least.Completions);
        ThreadPool.GetMaxThreads(out _most.Workers, out _most.Completions);
        Assert.True(ThreadPool.SetMinThreads(workers, _least.Completions) && ThreadPool.SetMaxThreads(workers, _most.Completions), $"a pool of {workers} threads");
    }

    /// <param name="onEach">What every worker does, null for nothing.</param>
    internal static async Task<FullPool> StartAsync(Action? onEach = null)
    {
        // Where there are more than there may be, none has to be made, also when some of them end for want of work; to call them together can
        // fail then: what keeps all of them busy leaves nobody for the last call.
        int existing = ThreadPool.ThreadCount;
        int workers = onEach is null ? FewestWorkers : Math.Max(FewestWorkers, existing);
        FullPool full = new(workers);
        try
        {
            if (onEach is not null || existing < workers)
                await CallTogetherAsync(workers, onEach);

            TaskCompletionSource fired = new(TaskCreationOptions.RunContinuationsAsynchronously);
            await using (TimeProvider.System.CreateTimer(_ => fired.SetResult(), null, TimeSpan.Zero, Timeout.InfiniteTimeSpan))
                await fired.Task.WaitAsync(TestTimeout);
            // Made after the first worker, perhaps long after.
            Eventually.True(() => TestThreads.Names().Any(static name => name.StartsWith(".NET TP Gate", StringComparison.Ordinal)), "the thread pool has its gate thread");
            return full;
        }
        catch
        {
            full.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        ThreadPool.SetMaxThreads(_most.Workers, _most.Completions);
        ThreadPool.SetMinThreads(_least.Workers, _least.Completions);
    }

    /// <summary>They all run at once for a moment.</summary>
    private static async Task CallTogetherAsync(int workers, Action? onEach)
    {
        using Barrier barrier = new(workers);
        bool[] met = await Task.WhenAll(Enumerable.Range(0, workers).Select(_ => Task.Run(() =>
        {
            onEach?.Invoke();
            return barrier.SignalAndWait(TestTimeout);
        })));
        Assert.All(met, Assert.True);
    }
}
