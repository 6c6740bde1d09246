using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace UnixLoop.Hosting;

/// <summary>Not ready while the application drains or stops, and while the loop does not answer.</summary>
internal sealed class ReadinessCheck(UnixEventLoop loop, IUnixHostDrain drain) : IHealthCheck
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

        UnixEventLoopStatistics statistics = loop.GetStatistics();
        return HealthCheckResult.Healthy(data: new Dictionary<string, object>
        {
            ["lag"] = statistics.Lag.TotalSeconds,
            ["queueDepth"] = statistics.QueueDepth,
        });
    }
}
