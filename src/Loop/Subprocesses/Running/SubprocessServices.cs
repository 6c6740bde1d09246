using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Subprocesses;

/// <summary>What the children of one factory share.</summary>
internal sealed class SubprocessServices
{
    internal SubprocessServices(UnixEventLoop loop, IChildWatcher watcher)
    {
        Loop = loop;
        Watcher = watcher;
        Logger = new ForgivingLogger(loop.LoggerFactory.CreateLogger("UnixLoop.Subprocess"));
        Metrics = new SubprocessMetrics(loop.Meter);
        UnreadStreams = new PipedStreams(this);
    }

    internal UnixEventLoop Loop { get; }

    internal IChildWatcher Watcher { get; }

    internal ILogger Logger { get; }

    internal SubprocessMetrics Metrics { get; }

    /// <summary>The streams of all children whose output is not read: it holds nothing.</summary>
    internal PipedStreams UnreadStreams { get; }

    internal LiveChildren Live { get; } = new();

    internal LateReading LateReading { get; } = new();

    /// <summary>Our variables, once they have been read for all children; null reads them at each start.</summary>
    internal EnvironmentBlock? Environment { get; set; }

    internal PipeBudget Budget { get; init; } = PipeBudget.Shared;

    /// <summary>Exits are told on our loop, also by a watcher that serves several.</summary>
    internal void Watch(int pid, SafeHandle? pidfd, IChildExitHandler handler)
    {
        if (Watcher is MultiLoopChildWatcher several)
            several.Add(pid, pidfd, handler, Loop);
        else
            Watcher.Add(pid, pidfd, handler);
    }
}
