using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace UnixLoop.Hosting;

/// <summary>Not ready while the application drains or stops, while the loop does not answer, and while a supervised process that should be ready is not.</summary>
internal sealed class ReadinessCheck(UnixEventLoop loop, IUnixHostDrain drain, ISupervisor supervisor) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (drain.Draining.IsCancellationRequested)
            return new(context.Registration.FailureStatus, "The application is shutting down.");
        try
        {
            await loop.InvokeAsync(static () => { }, cancellationToken).ConfigureAwait(false);
        }
        catch (ObjectDisposedException e)
        {
            return new(context.Registration.FailureStatus, $"The event loop '{loop.Name}' has ended.", e);
        }

        string[] down = [.. supervisor.GetProcesses().Where(IsDown).Select(process => process.ToString())];
        if (down.Length > 0)
            return new(context.Registration.FailureStatus, $"Supervised processes are down: {string.Join("; ", down)}.");

        UnixEventLoopStatistics statistics = loop.GetStatistics();
        return HealthCheckResult.Healthy(data: new Dictionary<string, object>
        {
            ["lag"] = statistics.Lag.TotalSeconds,
            ["queueDepth"] = statistics.QueueDepth,
        });
    }

    /// <summary>One that was stopped on purpose is not, nor one whose work is done.</summary>
    private static bool IsDown(SupervisedProcessStatus process) => process.State is not
        (SupervisedProcessState.Ready or SupervisedProcessState.Completed or SupervisedProcessState.Stopped or SupervisedProcessState.Stopping);
}
