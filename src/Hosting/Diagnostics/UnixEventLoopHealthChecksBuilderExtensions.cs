using Microsoft.Extensions.Diagnostics.HealthChecks;
using UnixLoop.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>UnixLoop's readiness for health checks.</summary>
public static class UnixEventLoopHealthChecksBuilderExtensions
{
    /// <summary>
    /// Adds a check that passes while every loop of the host answers, all supervised processes are ready, and the application has started
    /// and has not been asked to stop; else it names what is down. Its data are the loops' longest lag in seconds and their queue depth.
    /// </summary>
    /// <param name="builder">The health checks' builder.</param>
    /// <param name="name">The check's name.</param>
    /// <param name="tags">Null for the tag <c>ready</c>.</param>
    /// <param name="timeout">How long the loops may take to answer; null for 5 s.</param>
    /// <returns>The builder.</returns>
    public static IHealthChecksBuilder AddUnixEventLoop(
        this IHealthChecksBuilder builder, string name = "unix-event-loop", IEnumerable<string>? tags = null, TimeSpan? timeout = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(new HealthCheckRegistration(
            name,
            static services => ActivatorUtilities.CreateInstance<ReadinessCheck>(services),
            failureStatus: null,
            tags ?? ["ready"],
            timeout ?? TimeSpan.FromSeconds(5)));
    }
}
