using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using UnixLoop.Hosting.Connections;

namespace UnixLoop.Hosting;

/// <summary>Where a shutdown stands: each phase is logged with its time, is a span, and is measured. Thread-safe; phases follow one another and never return.</summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "The meter is the factory's, and the span of the last phase ends with it.")]
internal sealed class ShutdownTimeline(IMeterFactory meters, ConnectionDrain connections, ShutdownLog log, TimeProvider? clock = null)
{
    private static readonly ActivitySource s_spans = new("UnixLoop");

    private readonly Histogram<double> _durations = meters.Create("UnixLoop").CreateHistogram<double>(
        "unixloop.shutdown.phase.duration", "s", "How long the phases of a shutdown took.");

    private readonly ILogger _logger = log.CreateLogger<ShutdownTimeline>();
    private readonly TimeProvider _clock = clock ?? TimeProvider.System;
    private readonly Lock _lock = new();
    private ShutdownPhase _phase;
    private long _began;
    private long _phaseBegan;
    private Activity? _span;

    /// <summary>The phase before ends, and this one begins, unless it or a later one has.</summary>
    internal void Enter(ShutdownPhase phase)
    {
        lock (_lock)
        {
            if (phase <= _phase)
                return;
            long now = _clock.GetTimestamp();
            if (_phase == ShutdownPhase.None)
                _began = now;
            else
                EndPhase(now);
            (_phase, _phaseBegan) = (phase, now);
            if (phase == ShutdownPhase.Over)
                LoopServiceLog.ShutdownEnded(_logger, _clock.GetElapsedTime(_began, now));
            else
                _span = s_spans.StartActivity($"shutdown {NameOf(phase)}", ActivityKind.Internal, parentContext: default);
        }
    }

    private void EndPhase(long now)
    {
        TimeSpan elapsed = _clock.GetElapsedTime(_phaseBegan, now);
        string name = NameOf(_phase);
        LoopServiceLog.ShutdownPhaseEnded(_logger, name, elapsed, connections.Count);
        _durations.RecordQuietly(elapsed.TotalSeconds, new KeyValuePair<string, object?>("unixloop.shutdown.phase", name));
        _span?.Dispose();
        _span = null;
    }

    private static string NameOf(ShutdownPhase phase) => phase switch
    {
        ShutdownPhase.Draining => "draining",
        ShutdownPhase.Services => "services",
        ShutdownPhase.Children => "children",
        _ => "loops",
    };
}

/// <summary>In their order.</summary>
internal enum ShutdownPhase
{
    /// <summary>Serving.</summary>
    None,

    /// <summary>Asked to stop, and still serving: ShutdownDelay.</summary>
    Draining,

    /// <summary>Services stop; a web server's listeners are closed and its requests finish.</summary>
    Services,

    /// <summary>Children go down by the ladder.</summary>
    Children,

    /// <summary>The loops end.</summary>
    Loops,

    /// <summary>Nothing is left to do.</summary>
    Over,
}
