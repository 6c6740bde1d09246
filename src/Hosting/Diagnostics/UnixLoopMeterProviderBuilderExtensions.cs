namespace OpenTelemetry.Metrics;

/// <summary>UnixLoop's metrics for OpenTelemetry.</summary>
public static class UnixLoopMeterProviderBuilderExtensions
{
    /// <summary>Collects the meter <c>UnixLoop</c>: loops, children, signals (docs/diagnostics.md lists the instruments).</summary>
    /// <param name="builder">The meter provider's builder.</param>
    /// <returns>The builder.</returns>
    public static MeterProviderBuilder AddUnixLoopInstrumentation(this MeterProviderBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddMeter("UnixLoop");
    }
}
