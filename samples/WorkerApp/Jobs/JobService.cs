using System.Threading.Channels;
using Microsoft.Extensions.Options;

namespace WorkerApp.Jobs;

/// <summary>Keeps the running jobs in step with the configuration.</summary>
internal sealed class JobService(IOptionsMonitor<WorkerOptions> options, JobBoard board, ILogger<JobService> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // One place in it: reloads that come while one is being applied are one further reload.
        Channel<WorkerOptions> reloads = Channel.CreateBounded<WorkerOptions>(
            new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
        reloads.Writer.TryWrite(options.CurrentValue);
        using IDisposable? subscription = options.OnChange(changed => reloads.Writer.TryWrite(changed));
        try
        {
            await foreach (WorkerOptions wanted in reloads.Reader.ReadAllAsync(stoppingToken))
            {
                JobChanges changes = await board.ApplyAsync(wanted.Jobs);
                Log.JobsApplied(logger, changes.Started, changes.Stopped, changes.Kept);
            }
        }
        finally
        {
            Log.JobsStopping(logger, board.Count);
            await board.ApplyAsync(new Dictionary<string, JobOptions>());
        }
    }
}
