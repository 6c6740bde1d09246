namespace UnixLoop.Hosting;

/// <summary>What <c>OnSignal</c> registered.</summary>
internal sealed record SignalHandler(UnixSignal Signal, Func<IServiceProvider, CancellationToken, Task> Callback);
