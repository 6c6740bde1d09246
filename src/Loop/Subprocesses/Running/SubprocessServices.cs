using Microsoft.Extensions.Logging;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Subprocesses;

/// <summary>What the children of one factory share.</summary>
internal sealed class SubprocessServices(UnixEventLoop loop, IChildWatcher watcher)
{
    internal UnixEventLoop Loop { get; } = loop;

    internal IChildWatcher Watcher { get; } = watcher;

    internal ILogger Logger { get; } = loop.LoggerFactory.CreateLogger("UnixLoop.Subprocess");

    internal SubprocessMetrics Metrics { get; } = new(loop.Meter);

    internal LiveChildren Live { get; } = new();

    internal PipeBudget Budget { get; } = PipeBudget.Shared;
}
