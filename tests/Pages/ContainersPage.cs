using Microsoft.AspNetCore.Diagnostics.HealthChecks;

namespace UnixLoop.Pages;

internal static partial class ContainersPage
{
    internal static void Orphans(IUnixEventLoop loop, ILogger log)
    {
        using IDisposable? watch = UnixInit.WatchAdoptedExits(loop, exit => log.Orphan(exit.ProcessId, exit.Status));
    }

    internal static void Probes(WebApplication app)
    {
        app.MapHealthChecks("/readyz", new HealthCheckOptions { Predicate = static check => check.Tags.Contains("ready") });
        app.MapHealthChecks("/livez", new HealthCheckOptions { Predicate = static _ => false });
    }

    [LoggerMessage(1, LogLevel.Information, "{Pid}: {Exit}")]
    private static partial void Orphan(this ILogger logger, int pid, ChildExitStatus exit);
}
