using UnixLoop;

namespace WorkerApp.Jobs;

/// <summary>What SIGUSR1 asks for: the figures of the loop and of the children, in the log.</summary>
internal sealed class StatisticsReport(IUnixEventLoop loop, JobBoard board, ILogger<StatisticsReport> logger)
{
    internal Task WriteAsync()
    {
        UnixEventLoopStatistics figures = loop.GetStatistics();
        Log.LoopStatistics(
            logger, loop.Name, figures.Turns, figures.Callbacks, figures.Posts, figures.ReadyDescriptors, figures.QueueDepth, figures.Timers,
            figures.WatchedDescriptors, figures.Utilization, figures.Lag.TotalMilliseconds, figures.MaxLag.TotalMilliseconds);
        Job[] jobs = [.. board.Jobs];
        Log.ChildStatistics(logger, jobs.Count(job => job.Child is not null), jobs.Sum(job => job.Runs));
        foreach (Job job in jobs)
            Log.JobStatistics(logger, job.Name, job.Runs, job.Child?.Id);
        return Task.CompletedTask;
    }
}
