using Microsoft.Extensions.Options;
using UnixLoop;
using UnixLoop.Hosting;

namespace WorkerApp.Jobs;

/// <summary>Runs a job's program once, and logs what it writes and how it ends.</summary>
internal sealed class JobRunner(ISubprocessFactory subprocesses, IOptions<UnixEventLoopOptions> loop, ILogger<JobRunner> logger)
{
    /// <summary>A grandchild may hold the output open for ever.</summary>
    private static readonly TimeSpan DrainBound = TimeSpan.FromSeconds(1);

    internal async Task RunAsync(Job job, CancellationToken stop)
    {
        SubprocessStartInfo program = new(job.Options.Command[0], job.Options.Command[1..])
        {
            Input = Stdio.Null,
            Output = Stdio.Pipe,
            Error = Stdio.Pipe,
        };
        try
        {
            await using ISubprocess child = await subprocesses.StartAsync(program, stop);
            job.Began(child);
            await FollowAsync(job, child, stop);
        }
        catch (SubprocessStartException failure)
        {
            Log.JobNotStarted(logger, job.Name, failure.Message);
        }
        finally
        {
            job.Ended();
        }
    }

    internal void Failed(Job job, Exception failure) => Log.JobFailed(logger, failure, job.Name);

    private async Task FollowAsync(Job job, ISubprocess child, CancellationToken stop)
    {
        Log.JobStarted(logger, job.Name, child.Id, program: child.FileName);
        Task lines = Task.WhenAll(
            OutputLines.ReadAsync(child.Output, line => Log.JobWrote(logger, job.Name, child.Id, line)),
            OutputLines.ReadAsync(child.Error, line => Log.JobWroteError(logger, job.Name, child.Id, line)));
        try
        {
            await child.WaitForExitAndDrainAsync(DrainBound, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            await child.StopAsync(loop.Value.ChildStopGrace, CancellationToken.None);
        }
        (ChildExitStatus exit, _) = await child.WaitForExitAndDrainAsync(DrainBound, CancellationToken.None);
        await lines;
        Log.JobEnded(logger, job.Name, child.Id, exit, exit.RunTime, exit.ResourceUsage?.TotalTime);
    }
}
