using System.Diagnostics.Metrics;

namespace UnixLoop.Subprocesses;

/// <summary>The instruments of the children that factories start (docs/diagnostics.md). Names, units and attributes are API.</summary>
internal sealed class SubprocessMetrics
{
    // From a program that only exits to a job of an hour.
    private static readonly InstrumentAdvice<double> DurationAdvice = new()
    {
        HistogramBucketBoundaries = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600],
    };

    private readonly UpDownCounter<long> _active;
    private readonly Counter<long> _started;
    private readonly Counter<long> _startFailures;
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _exits;
    private readonly Counter<double> _cpuTime;

    internal SubprocessMetrics(Meter meter)
    {
        _active = meter.CreateUpDownCounter<long>("unixloop.children.active", "{process}", "Children that have been started and not reaped.");
        _started = meter.CreateCounter<long>("unixloop.children.started", "{process}", "Children started.");
        _startFailures = meter.CreateCounter<long>("unixloop.children.start_failures", "{failure}", "Children that could not be started, by errno.");
        _duration = meter.CreateHistogram("unixloop.children.duration", "s", "From the spawn to the exit notice.", tags: null, DurationAdvice);
        _exits = meter.CreateCounter<long>("unixloop.children.exits", "{process}", "Children reaped, by exit code or signal.");
        _cpuTime = meter.CreateCounter<double>("unixloop.children.cpu_time", "s", "CPU time of the children reaped, by mode.");
    }

    internal void Started()
    {
        _started.AddQuietly(1);
        _active.AddQuietly(1);
    }

    internal void StartFailed(string errorName) =>
        _startFailures.AddQuietly(1, new KeyValuePair<string, object?>("error.type", errorName));

    internal void Exited(in ChildExitStatus exit)
    {
        _active.AddQuietly(-1);
        _duration.RecordQuietly(exit.RunTime.TotalSeconds);
        if (_exits.Enabled)
            _exits.AddQuietly(1, Attribute(exit));
        if (_cpuTime.Enabled && exit.ResourceUsage is { } usage)
        {
            _cpuTime.AddQuietly(usage.UserTime.TotalSeconds, new KeyValuePair<string, object?>("cpu.mode", "user"));
            _cpuTime.AddQuietly(usage.SystemTime.TotalSeconds, new KeyValuePair<string, object?>("cpu.mode", "system"));
        }
    }

    private static KeyValuePair<string, object?> Attribute(in ChildExitStatus exit) => exit.Kind switch
    {
        ChildExitKind.Exited => new("process.exit.code", exit.ExitCode),
        ChildExitKind.Signaled => new("signal", exit.Signal.ToString()),
        ChildExitKind.ReapedElsewhere => new("error.type", "reaped_elsewhere"),
        _ => new("error.type", "unknown"),
    };
}
