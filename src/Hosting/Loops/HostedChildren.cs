using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using UnixLoop.Hosting.Supervision;

namespace UnixLoop.Hosting;

/// <summary>The children of the default loop, from the host's start to its stop.</summary>
internal sealed class HostedChildren(
    SubprocessFactory factory,
    Supervisor supervisor,
    IChildWatcher watcher,
    ChildWatcherChoice choice,
    IOptions<UnixEventLoopOptions> options,
    ILogger<HostedChildren> logger,
    ShutdownLog log,
    TimeProvider? time = null)
{
    private readonly ILogger _ending = log.CreateLogger<HostedChildren>();
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    internal void Attach(UnixEventLoop loop)
    {
        watcher.Attach(loop);
        bool chosen = watcher == choice.Created;
        LoopServiceLog.ChildWatcherChosen(logger, watcher.GetType().Name, chosen ? choice.Reason : "the application registered it");
    }

    /// <summary>Those that are supervised, once the loop runs.</summary>
    internal void Start() => supervisor.Start();

    /// <summary>The ladder for all in parallel, in what is left of the host's time; the log says who needed KILL.</summary>
    internal async Task StopAsync(CancellationToken cancellationToken)
    {
        Task supervised = supervisor.StopAsync(cancellationToken);
        TimeSpan grace = options.Value.ChildStopGrace;
        bool late = cancellationToken.IsCancellationRequested;
        long began = _time.GetTimestamp();
        IReadOnlyList<StoppedSubprocess> stopped = await factory.StopAllAsync(grace, cancellationToken).ConfigureAwait(false);
        bool cutShort = cancellationToken.IsCancellationRequested && _time.GetElapsedTime(began) < grace;
        int needed = 0;
        foreach (StoppedSubprocess child in stopped)
        {
            bool neededKill = child.Killed && grace > TimeSpan.Zero; // a grace of zero asks for KILL
            needed += neededKill ? 1 : 0;
            if (child.Status is not { } status)
                LoopServiceLog.ChildNotReaped(_ending, child.Id, child.FileName);
            else if (neededKill && late)
                LoopServiceLog.ChildKilledAtOnce(_ending, child.Id, child.FileName, status);
            else if (neededKill && cutShort)
                LoopServiceLog.ChildGraceCutShort(_ending, child.Id, child.FileName, grace, status);
            else if (neededKill)
                LoopServiceLog.ChildKilled(_ending, child.Id, child.FileName, grace, status);
            else
                LoopServiceLog.ChildStopped(_ending, child.Id, child.FileName, status);
        }

        if (stopped.Count > 0)
            LoopServiceLog.ChildrenStopped(_ending, stopped.Count, needed);
        await supervised.ConfigureAwait(false);
        watcher.Detach();
    }

    /// <summary>KILL at once: the host did not come to its orderly stop.</summary>
    internal async ValueTask KillAsync()
    {
        Task supervised = supervisor.KillAsync();
        await factory.DisposeAsync().ConfigureAwait(false);
        await supervised.ConfigureAwait(false);
    }
}
