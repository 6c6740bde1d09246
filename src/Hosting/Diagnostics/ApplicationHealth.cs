using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace UnixLoop.Hosting;

/// <summary>How the application is: the loops alive and in time, supervised processes up, started, not draining. What the health check and the responder ask.</summary>
internal sealed class ApplicationHealth(
    HostedLoops loops,
    UnixEventLoop defaultLoop,
    IUnixHostDrain drain,
    IHostApplicationLifetime application,
    ISupervisor supervisor,
    IOptions<UnixEventLoopOptions> options,
    TimeProvider? clock = null)
{
    private readonly TimeProvider _clock = clock ?? TimeProvider.System;

    /// <summary>Whether the loops answer, and how fast: the worst of them speaks for all.</summary>
    internal async Task<Verdict> AskLoopsAsync(CancellationToken cancellationToken)
    {
        // Before the host's start there is the default one alone, which does not answer yet.
        IReadOnlyList<UnixEventLoop> asked = loops.Started is { Count: > 0 } started ? started : [defaultLoop];
        Verdict[] answers = await Task.WhenAll(asked.Select(loop => AskAsync(loop, cancellationToken))).ConfigureAwait(false);
        return answers.MaxBy(static answer => (answer.Condition, answer.Lag));
    }

    private async Task<Verdict> AskAsync(UnixEventLoop loop, CancellationToken cancellationToken)
    {
        long asked = _clock.GetTimestamp();
        TimeSpan lag;
        try
        {
            // Measured on the loop: what the thread pool takes to go on is not its fault.
            lag = await loop.InvokeAsync(() => _clock.GetElapsedTime(asked), cancellationToken).ConfigureAwait(false);
        }
        catch (ObjectDisposedException e)
        {
            return new(Condition.Down, $"The event loop '{loop.Name}' has ended.", Error: e);
        }
        return lag > options.Value.HealthUnhealthyLag ? new(Condition.Down, LagText(loop, lag, options.Value.HealthUnhealthyLag), lag)
            : lag > options.Value.HealthDegradedLag ? new(Condition.Degraded, LagText(loop, lag, options.Value.HealthDegradedLag), lag)
            : new(Condition.Up, "", lag);
    }

    /// <summary>The same, and whether requests should come here.</summary>
    internal async Task<Verdict> AskAsync(CancellationToken cancellationToken)
    {
        if (drain.Draining.IsCancellationRequested)
            return new(Condition.Down, "The application is shutting down.");
        if (!application.ApplicationStarted.IsCancellationRequested)
            return new(Condition.Down, "The application is starting.");
        Verdict answer = await AskLoopsAsync(cancellationToken).ConfigureAwait(false);
        if (answer.Condition == Condition.Down)
            return answer;
        string[] down = [.. supervisor.GetProcesses().Where(IsDown).Select(process => process.ToString())];
        return down.Length > 0 ? answer with { Condition = Condition.Down, Reason = $"Supervised processes are down: {string.Join("; ", down)}." } : answer;
    }

    private static string LagText(UnixEventLoop loop, TimeSpan lag, TimeSpan bound) => $"The event loop '{loop.Name}' answered after {lag:c}; at most {bound:c} would do.";

    /// <summary>One that was stopped on purpose is not, nor one whose work is done.</summary>
    private static bool IsDown(SupervisedProcessStatus process) => process.State is not
        (SupervisedProcessState.Ready or SupervisedProcessState.Completed or SupervisedProcessState.Stopped or SupervisedProcessState.Stopping);

    /// <summary>From good to bad.</summary>
    internal enum Condition
    {
        Up,
        Degraded,
        Down,
    }

    internal readonly record struct Verdict(Condition Condition, string Reason, TimeSpan Lag = default, Exception? Error = null);
}
