using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace UnixLoop.Hosting;

/// <summary>The children of the default loop, from the host's start to its stop.</summary>
internal sealed class HostedChildren(
    SubprocessFactory factory,
    IChildWatcher watcher,
    ChildWatcherChoice choice,
    IOptions<UnixEventLoopOptions> options,
    ILogger<HostedChildren> logger)
{
    internal void Attach(UnixEventLoop loop)
    {
        watcher.Attach(loop);
        bool chosen = watcher is PidfdChildWatcher or ThreadedChildWatcher;
        LoopServiceLog.ChildWatcherChosen(logger, watcher.GetType().Name, chosen ? choice.Reason : "the application registered it");
    }

    /// <summary>The ladder for all in parallel, in what is left of the host's time; the log says who needed KILL.</summary>
    internal async Task StopAsync(CancellationToken cancellationToken)
    {
        TimeSpan grace = options.Value.ChildStopGrace;
        IReadOnlyList<StoppedSubprocess> stopped = await factory.StopAllAsync(grace, cancellationToken).ConfigureAwait(false);
        foreach (StoppedSubprocess child in stopped)
        {
            if (child.Status is not { } status)
                LoopServiceLog.ChildNotReaped(logger, child.Id, child.FileName);
            else if (child.Killed)
                LoopServiceLog.ChildKilled(logger, child.Id, child.FileName, grace, status);
            else
                LoopServiceLog.ChildStopped(logger, child.Id, child.FileName, status);
        }

        if (stopped.Count > 0)
            LoopServiceLog.ChildrenStopped(logger, stopped.Count, stopped.Count(c => c.Killed));
        watcher.Detach();
    }

    /// <summary>KILL at once: the host did not come to its orderly stop.</summary>
    internal ValueTask KillAsync() => factory.DisposeAsync();
}
