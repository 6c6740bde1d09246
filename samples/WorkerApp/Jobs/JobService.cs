using Microsoft.Extensions.Options;
using UnixLoop.Hosting;

namespace WorkerApp.Jobs;

/// <summary>
/// Runs the periodic jobs of the configuration from the host's start to its stop, and applies it anew when it is told to. Those that are
/// kept running are UnixLoop's (<see cref="KeptJobs"/>).
/// </summary>
internal sealed class JobService(IOptionsFactory<WorkerOptions> options, JobBoard board, ISupervisor supervisor, ILogger<JobService> logger) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => ApplyAsync(options.Create(Options.DefaultName));

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        Log.JobsStopping(logger, board.Count + supervisor.GetProcesses().Count);
        await board.CloseAsync().WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>
    /// The handler of HUP, which runs once the configuration has been reloaded. An IOptionsMonitor would be told several times: by
    /// each file as it is read, and by the whole.
    /// </summary>
    internal async Task ReloadAsync()
    {
        WorkerOptions wanted;
        try
        {
            wanted = options.Create(Options.DefaultName);
        }
        catch (Exception mistake) when (mistake is OptionsValidationException or InvalidOperationException) // invalid; of a wrong type
        {
            Log.JobsNotApplied(logger, mistake.Message);
            return;
        }
        await ApplyAsync(wanted);
    }

    private async Task ApplyAsync(WorkerOptions wanted)
    {
        JobChanges changes = await board.ApplyAsync(wanted.Jobs.Where(job => !job.Value.KeepRunning).ToDictionary());
        Log.JobsApplied(logger, changes.Started, changes.Stopped, changes.Kept);
    }
}
