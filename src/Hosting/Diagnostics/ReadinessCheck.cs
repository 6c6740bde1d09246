using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace UnixLoop.Hosting;

/// <summary>Not ready while the application starts, drains or stops, while a loop does not answer in time, and while a supervised process that should be ready is not.</summary>
internal sealed class ReadinessCheck(ApplicationHealth readiness, HostedLoops loops) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ApplicationHealth.Verdict verdict = await readiness.AskAsync(cancellationToken).ConfigureAwait(false);
        if (verdict.Condition == ApplicationHealth.Condition.Down)
            return new(context.Registration.FailureStatus, verdict.Reason, verdict.Error);
        Dictionary<string, object> data = new()
        {
            ["lag"] = verdict.Lag.TotalSeconds,
            ["queueDepth"] = loops.Started.Sum(static loop => loop.GetStatistics().QueueDepth),
        };
        return verdict.Condition == ApplicationHealth.Condition.Degraded ? HealthCheckResult.Degraded(verdict.Reason, data: data) : HealthCheckResult.Healthy(data: data);
    }
}
