using System.Diagnostics.Metrics;

namespace UnixLoop.Hosting.Supervision;

/// <summary>The instruments of supervised processes (docs/diagnostics.md). Names, units and attributes are API.</summary>
internal sealed class SupervisionMetrics
{
    private const string NameAttribute = "unixloop.process.name";
    private const string StateAttribute = "unixloop.process.state";

    private readonly Counter<long> _starts;
    private readonly Counter<long> _restarts;

    internal SupervisionMetrics(IMeterFactory meters, Func<IReadOnlyList<SupervisedProcessStatus>> processes)
    {
        Meter meter = meters.Create("UnixLoop");
        _starts = meter.CreateCounter<long>("unixloop.processes.starts", "{process}", "Starts of supervised processes.");
        _restarts = meter.CreateCounter<long>("unixloop.processes.restarts", "{process}", "Starts that followed an end by the restart policy.");
        meter.CreateObservableUpDownCounter(
            "unixloop.processes.state", () => processes().Select(Measure), "{process}", "Supervised processes, each with the state that it is in.");
    }

    internal void Started(string name, bool isRestart)
    {
        var attribute = new KeyValuePair<string, object?>(NameAttribute, name);
        _starts.AddQuietly(1, attribute);
        if (isRestart)
            _restarts.AddQuietly(1, attribute);
    }

    private static Measurement<long> Measure(SupervisedProcessStatus process) => new(
        1, new(NameAttribute, process.Name), new(StateAttribute, StateName(process.State)));

    /// <summary>Attribute values are lower case with underscores, as OpenTelemetry has them.</summary>
    internal static string StateName(SupervisedProcessState state) => state switch
    {
        SupervisedProcessState.Stopped => "stopped",
        SupervisedProcessState.Starting => "starting",
        SupervisedProcessState.Unready => "unready",
        SupervisedProcessState.Ready => "ready",
        SupervisedProcessState.Stopping => "stopping",
        SupervisedProcessState.Restarting => "restarting",
        SupervisedProcessState.Failing => "failing",
        SupervisedProcessState.BackingOff => "backing_off",
        SupervisedProcessState.Completed => "completed",
        _ => "failed",
    };
}
