using UnixLoop;
using UnixLoop.Hosting;

namespace WorkerApp.Jobs;

/// <summary>What SIGUSR1 asks for: the figures of the loop and of the children, in the log.</summary>
internal sealed class StatisticsReport(IUnixEventLoop loop, JobBoard board, ISupervisor supervisor, ILogger<StatisticsReport> logger)
{
    internal Task WriteAsync()
    {
        UnixEventLoopStatistics figures = loop.GetStatistics();
        Log.LoopStatistics(
            logger, loop.Name, figures.Turns, figures.Callbacks, figures.Posts, figures.ReadyDescriptors, figures.QueueDepth, figures.Timers,
            figures.WatchedDescriptors, figures.Utilization, figures.Lag.TotalMilliseconds, figures.MaxLag.TotalMilliseconds);
        (string Name, int Runs, int? Pid)[] jobs =
        [
            .. board.Jobs.Select(job => (job.Name, job.Runs, job.Child?.Id)),
            .. supervisor.GetProcesses().Select(process => (process.Name, process.Starts, process.ProcessId)),
        ];
        Log.ChildStatistics(logger, jobs.Count(job => job.Pid is not null), jobs.Sum(job => job.Runs));
        foreach ((string name, int runs, int? pid) in jobs)
            Log.JobStatistics(logger, name, runs, pid);
        return Task.CompletedTask;
    }
}
