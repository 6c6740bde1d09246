using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace UnixLoop.Signals;

/// <summary>What this room needs of its loop.</summary>
/// <param name="name">For logs and metrics.</param>
/// <param name="tryPost">Queues a callback on the loop; false once the loop has stopped.</param>
/// <param name="report">Takes an exception that user code let escape, with what was being done.</param>
/// <param name="loggerFactory">Where the room logs.</param>
/// <param name="meter">Gets the room's instrument.</param>
internal sealed class SignalLoop(
    string name, Func<Action<SignalWork>, SignalWork, bool> tryPost, Action<string, Exception> report, ILoggerFactory loggerFactory, Meter meter)
{
    private readonly Counter<long> _received =
        meter.CreateCounter<long>("unixloop.signals.received", "{signal}", "Signals delivered to a handler; standard ones coalesce in the kernel.");

    private readonly KeyValuePair<string, object?> _nameTag = new("unixloop.loop.name", name);

    internal string Name => name;

    internal ILogger Logger { get; } = new ForgivingLogger(loggerFactory.CreateLogger("UnixLoop.Signals"));

    internal bool TryPost(SignalWork work) => tryPost(SignalWork.Run, work);

    internal void Received(UnixSignal signal)
    {
        if (_received.Enabled)
            _received.AddQuietly(1, new("signal", signal.ToString()), _nameTag);
        SignalLog.Received(Logger, name, signal);
    }

    internal void Dropped(UnixSignal signal) => SignalLog.Dropped(Logger, name, signal);

    /// <summary>On the loop, where exceptions are told; at once where that has stopped.</summary>
    internal void Report(string message, Exception exception)
    {
        if (!TryPost(new Failure(report, message, exception)))
            report(message, exception);
    }

    private sealed class Failure(Action<string, Exception> report, string message, Exception exception) : SignalWork
    {
        protected override void RunOnLoop() => report(message, exception);

        public override string ToString() => $"the report \"{message}\"";
    }
}
