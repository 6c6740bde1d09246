using System.Diagnostics.Metrics;

namespace UnixLoop;

/// <summary>The loop's instruments on the meter "UnixLoop"; names, units and attributes are API (docs/diagnostics.md).</summary>
internal sealed class LoopMetrics
{
    internal const string MeterName = "UnixLoop";

    private readonly Histogram<double> _delay;
    private readonly KeyValuePair<string, object?> _loopName;

    /// <summary>The figures at the last look, for the share in between; only observable callbacks use it, under its own lock.</summary>
    private readonly Lock _gate = new();
    private TimeSpan _lastActive;
    private TimeSpan _lastTotal;

    internal LoopMetrics(Meter meter, UnixEventLoop loop)
    {
        _loopName = new("unixloop.loop.name", loop.Name);
        _delay = meter.CreateHistogram<double>(
            "unixloop.loop.delay", "s", "How long something that became ready waited for the loop: the active part of each turn.");
        meter.CreateObservableGauge(
            "unixloop.loop.utilization", () => With(UtilizationSinceLastLook(loop.GetStatistics())), "1", "Active share of the time since the last look.");
        meter.CreateObservableCounter(
            "unixloop.loop.active_time", () => With(loop.GetStatistics().ActiveTime.TotalSeconds), "s", "Time spent in callbacks.");
        meter.CreateObservableCounter(
            "unixloop.loop.idle_time", () => With(loop.GetStatistics().IdleTime.TotalSeconds), "s", "Time spent waiting.");
        meter.CreateObservableUpDownCounter(
            "unixloop.loop.queue_depth", () => With(loop.GetStatistics().QueueDepth), "{callback}", "Posts that wait for their turn.");
        meter.CreateObservableUpDownCounter(
            "unixloop.loop.watched_descriptors", () => With(loop.GetStatistics().WatchedDescriptors), "{descriptor}", "Descriptors in the selector.");
    }

    internal void RecordDelay(TimeSpan delay)
    {
        if (_delay.Enabled)
            _delay.RecordQuietly(delay.TotalSeconds, _loopName);
    }

    private Measurement<T> With<T>(T value) where T : struct => new(value, _loopName);

    private double UtilizationSinceLastLook(UnixEventLoopStatistics now)
    {
        lock (_gate)
        {
            TimeSpan total = now.ActiveTime + now.IdleTime;
            TimeSpan passed = total - _lastTotal;
            double share = passed > TimeSpan.Zero ? Math.Clamp((now.ActiveTime - _lastActive) / passed, 0, 1) : 0;
            (_lastActive, _lastTotal) = (now.ActiveTime, total);
            return share;
        }
    }
}
