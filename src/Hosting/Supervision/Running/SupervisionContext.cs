using Microsoft.Extensions.Logging;

namespace UnixLoop.Hosting.Supervision;

/// <summary>What the processes of one supervisor share.</summary>
internal sealed class SupervisionContext
{
    internal required ISubprocessFactory Children { get; init; }

    internal required TimeProvider Clock { get; init; }

    /// <summary>Asked by one process at a time: must be safe for several threads.</summary>
    internal required Random Random { get; init; }

    internal required ILoggerFactory LoggerFactory { get; init; }

    internal required ILogger Logger { get; init; }

    /// <summary>The same, for what the host's stop itself says: it goes on if the log blocks.</summary>
    internal required ILogger Ending { get; init; }

    internal required SupervisionMetrics Metrics { get; init; }

    /// <summary>Where a process names none.</summary>
    internal required TimeSpan DefaultGrace { get; init; }

    /// <summary>Cancelled when the host's time is over: graces are skipped.</summary>
    internal required CancellationToken Hurry { get; init; }

    internal required ISupervisionObserver Observer { get; init; }
}

/// <summary>Who hears of what processes do. Called by the processes, side by side.</summary>
internal interface ISupervisionObserver
{
    void OnStateChanged(in SupervisedProcessStateChange change);

    /// <summary>A process that must not fail has failed, or its supervision has.</summary>
    void StopHost();

    /// <summary>Whether a process that has stopped may leave.</summary>
    bool TryForget(SupervisedProcess process);
}
