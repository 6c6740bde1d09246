using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace UnixLoop.Signals;

/// <summary>One loop's table of signal handlers.</summary>
internal sealed class LoopSignalHandlers(
    object loop,
    Func<Action<object?>, object?, bool> tryPost,
    Action<UnhandledExceptionContext> reportUnhandled,
    ILoggerFactory loggerFactory,
    Meter meter)
{
    internal void Add(UnixSignal signal, Action callback) => throw new NotImplementedException($"{loop}{tryPost}{reportUnhandled}{loggerFactory}{meter}{signal}{callback}");

    internal void Add(UnixSignal signal, Func<CancellationToken, ValueTask> callback) => throw new NotImplementedException($"{loop}{signal}{callback}");

    internal bool Remove(UnixSignal signal) => throw new NotImplementedException($"{loop}{signal}");

    /// <summary>Removes every handler and refuses new ones; idempotent, any thread.</summary>
    internal void CloseAll() => _closed = true;

    private bool _closed;

    public override string ToString() => _closed ? "closed" : "open";
}
