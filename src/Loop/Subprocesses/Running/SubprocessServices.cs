using System.Runtime.InteropServices;
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

    /// <summary>Our variables, once they have been read for all children; null reads them at each start.</summary>
    internal EnvironmentBlock? Environment { get; set; }

    internal PipeBudget Budget { get; } = PipeBudget.Shared;

    /// <summary>Exits are told on our loop, also by a watcher that serves several.</summary>
    internal void Watch(int pid, SafeHandle? pidfd, IChildExitHandler handler)
    {
        if (Watcher is MultiLoopChildWatcher several)
            several.Add(pid, pidfd, handler, Loop);
        else
            Watcher.Add(pid, pidfd, handler);
    }
}
