using UnixLoop.Signals;

namespace UnixLoop;

public sealed partial class UnixEventLoop
{
    private readonly LoopSignalHandlers _signals;

    /// <inheritdoc/>
    public void AddSignalHandler(UnixSignal signal, Action callback) => _signals.Add(signal, callback);

    /// <inheritdoc/>
    public void AddSignalHandler<TState>(UnixSignal signal, Action<TState> callback, TState state) =>
        _signals.Add(signal, callback, state);

    /// <inheritdoc/>
    public void AddSignalHandler(UnixSignal signal, Func<CancellationToken, ValueTask> callback) => _signals.Add(signal, callback);

    /// <inheritdoc/>
    public bool RemoveSignalHandler(UnixSignal signal) => _signals.Remove(signal);

    /// <summary>Called by the constructor once the logger factory and the meter are there.</summary>
    private LoopSignalHandlers CreateSignalHandlers()
    {
        var loop = new SignalLoop(
            Name, TryPost, (message, exception) => ReportUnhandled(new UnhandledExceptionContext(message, exception, this)), LoggerFactory, Meter);
        return new LoopSignalHandlers(loop, SignalHub.Shared);
    }
}
