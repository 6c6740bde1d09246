using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace UnixLoop.Pages;

internal static class DiagnosticsPage
{
    internal static void Telemetry(HostApplicationBuilder builder)
    {
        builder.Services.AddOpenTelemetry()
            .WithMetrics(metrics => metrics.AddUnixLoopInstrumentation())
            .WithTracing(traces => traces.AddUnixLoopInstrumentation());
    }
}
