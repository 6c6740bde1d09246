namespace OpenTelemetry.Trace;

/// <summary>UnixLoop's spans for OpenTelemetry.</summary>
public static class UnixLoopTracerProviderBuilderExtensions
{
    /// <summary>Collects the activity source <c>UnixLoop</c>: a span for each run of a child (docs/diagnostics.md lists the attributes).</summary>
    /// <param name="builder">The tracer provider's builder.</param>
    /// <returns>The builder.</returns>
    public static TracerProviderBuilder AddUnixLoopInstrumentation(this TracerProviderBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddSource("UnixLoop");
    }
}
