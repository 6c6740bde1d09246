using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace UnixLoop.Hosting.Tests.Diagnostics;

public sealed class InstrumentationTests
{
    [Fact]
    public void Metrics_CollectTheMeter()
    {
        var builder = new RecordingMeterProviderBuilder();

        Assert.Same(builder, builder.AddUnixLoopInstrumentation());

        Assert.Equal(["UnixLoop"], builder.Meters);
    }

    [Fact]
    public void Traces_CollectTheSource()
    {
        var builder = new RecordingTracerProviderBuilder();

        Assert.Same(builder, builder.AddUnixLoopInstrumentation());

        Assert.Equal(["UnixLoop"], builder.Sources);
    }

    private sealed class RecordingMeterProviderBuilder : MeterProviderBuilder
    {
        internal List<string> Meters { get; } = [];

        public override MeterProviderBuilder AddMeter(params string[] names)
        {
            Meters.AddRange(names);
            return this;
        }

        public override MeterProviderBuilder AddInstrumentation<TInstrumentation>(Func<TInstrumentation> instrumentationFactory) => this;
    }

    private sealed class RecordingTracerProviderBuilder : TracerProviderBuilder
    {
        internal List<string> Sources { get; } = [];

        public override TracerProviderBuilder AddSource(params string[] names)
        {
            Sources.AddRange(names);
            return this;
        }

        public override TracerProviderBuilder AddLegacySource(string operationName) => this;

        public override TracerProviderBuilder AddInstrumentation<TInstrumentation>(Func<TInstrumentation> instrumentationFactory) => this;
    }
}
