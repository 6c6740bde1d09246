using UnixLoop;

namespace WorkerApp.Jobs;

/// <summary>One periodic job of the configuration: runs its program again and again until it is stopped.</summary>
internal sealed class Job : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;
    private int _runs;

    private Job(string name, JobOptions options)
    {
        Name = name;
        Options = options;
    }

    internal string Name { get; }

    internal JobOptions Options { get; }

    /// <summary>How often its program was started.</summary>
    internal int Runs => Volatile.Read(ref _runs);

    /// <summary>The child of the run in progress.</summary>
    internal ISubprocess? Child { get; private set; }

    internal static Job Start(string name, JobOptions options, JobRunner runner)
    {
        Job job = new(name, options);
        job._running = Task.Run(() => job.RepeatAsync(runner));
        return job;
    }

    /// <summary>Ends the child by the ladder, and with it the job.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RepeatAsync(JobRunner runner)
    {
        try
        {
            using PeriodicTimer timer = new(Options.Every!.Value);
            do
                await runner.RunAsync(this, _stop.Token);
            while (await timer.WaitForNextTickAsync(_stop.Token));
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
        catch (Exception failure)
        {
            // One job's trouble is not the others'; but nobody awaits it before the next change.
            runner.Failed(this, failure);
        }
    }

    internal void Began(ISubprocess child)
    {
        Interlocked.Increment(ref _runs);
        Child = child;
    }

    internal void Ended() => Child = null;
}
