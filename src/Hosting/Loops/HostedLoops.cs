using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace UnixLoop.Hosting;

/// <summary>
/// The loops that the host runs, whoever asked for them: default, named, and those of Kestrel's connections. Each is started, watched and
/// stopped in the same way; watchdog and health check ask them all.
/// </summary>
internal sealed class HostedLoops(IHostApplicationLifetime application, ILogger<UnixEventLoopHostedService> logger, ShutdownLog log, TimeProvider? clock = null)
{
    /// <summary>Once the host's time is over, a loop has this long to end: it needs microseconds unless a callback holds it.</summary>
    internal static readonly TimeSpan LateStopBound = TimeSpan.FromMilliseconds(500);

    private readonly ILogger _ending = log.CreateLogger<UnixEventLoopHostedService>();
    private readonly TimeProvider _clock = clock ?? TimeProvider.System;
    private readonly Lock _lock = new();
    private volatile UnixEventLoop[] _started = [];

    /// <summary>In the order of their starts, those that have ended included; never changed once it is read.</summary>
    internal IReadOnlyList<UnixEventLoop> Started => _started;

    internal async Task StartAsync(UnixEventLoop loop, CancellationToken cancellationToken)
    {
        lock (_lock)
            _started = [.. _started, loop];
        await loop.StartAsync(cancellationToken).ConfigureAwait(false);
        LoopServiceLog.LoopStarted(logger, loop.Name);
        _ = WatchAsync(loop);
    }

    /// <summary>All side by side, so that one that is held costs the others nothing.</summary>
    internal Task StopAsync(CancellationToken cancellationToken) => Task.WhenAll(_started.Select(loop => StopAsync(loop, cancellationToken)));

    /// <summary>The host did not come to its orderly stop.</summary>
    internal Task StopLateAsync() => StopAsync(new CancellationToken(canceled: true));

    private async Task StopAsync(UnixEventLoop loop, CancellationToken cancellationToken)
    {
        Task stop = loop.StopAsync(CancellationToken.None);
        await stop.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!stop.IsCompleted)
            await stop.WaitAsync(LateStopBound, _clock, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (stop.IsCompleted)
            LoopServiceLog.LoopStopped(_ending, loop.Name);
        else
            LoopServiceLog.LoopNotStopped(_ending, loop.Name);
    }

    /// <summary>A program whose Main returns an int overrides the exit code (docs/hosting.md).</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Whatever ended the loop, the host must not go on without it.")]
    private async Task WatchAsync(UnixEventLoop loop)
    {
        try
        {
            await loop.Completion.ConfigureAwait(false);
        }
        catch (Exception e)
        {
            LoopServiceLog.LoopDied(_ending, loop.Name, e);
            Environment.ExitCode = 1;
            application.StopApplication();
        }
    }
}
