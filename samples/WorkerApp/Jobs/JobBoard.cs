using System.Collections.Concurrent;

namespace WorkerApp.Jobs;

/// <summary>The periodic jobs.</summary>
internal sealed class JobBoard(JobRunner runner) : IDisposable
{
    private readonly SemaphoreSlim _oneAtATime = new(1);
    private bool _isClosed;
    private readonly ConcurrentDictionary<string, Job> _jobs = new(StringComparer.Ordinal);

    internal int Count => _jobs.Count;

    internal IEnumerable<Job> Jobs => _jobs.Values.OrderBy(job => job.Name, StringComparer.Ordinal);

    /// <summary>Stops what is no longer wanted or wanted differently, all at once, then starts what is new; nothing once it is closed.</summary>
    internal async Task<JobChanges> ApplyAsync(IReadOnlyDictionary<string, JobOptions> wanted)
    {
        await _oneAtATime.WaitAsync();
        try
        {
            return _isClosed ? default : await ChangeToAsync(wanted);
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    /// <summary>Stops all jobs, for good.</summary>
    internal async Task CloseAsync()
    {
        await _oneAtATime.WaitAsync();
        try
        {
            _isClosed = true;
            await ChangeToAsync(new Dictionary<string, JobOptions>());
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    public void Dispose() => _oneAtATime.Dispose();

    private async Task<JobChanges> ChangeToAsync(IReadOnlyDictionary<string, JobOptions> wanted)
    {
        Job[] ending = [.. _jobs.Values.Where(job => !wanted.TryGetValue(job.Name, out JobOptions? same) || !same.IsSameAs(job.Options))];
        await Task.WhenAll(ending.Select(job => job.DisposeAsync().AsTask()));
        foreach (Job job in ending)
            _jobs.TryRemove(job.Name, out _);

        KeyValuePair<string, JobOptions>[] starting = [.. wanted.Where(entry => !_jobs.ContainsKey(entry.Key))];
        foreach ((string name, JobOptions options) in starting)
            _jobs[name] = Job.Start(name, options, runner);
        return new JobChanges(starting.Length, ending.Length, _jobs.Count - starting.Length);
    }
}

internal readonly record struct JobChanges(int Started, int Stopped, int Kept);
