using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using UnixLoop.Hosting.Systemd;

namespace UnixLoop.Hosting;

/// <summary>Runs the handlers of <c>OnSignal</c>, and the reload on HUP before them, while the default loop runs.</summary>
/// <remarks>
/// The loop calls one handler a signal, one at a time; this class makes one out of several. At the stop the handlers stay
/// installed until the loop ends, and do nothing: taken away, they would give their signals the default action back, and a HUP in the
/// middle of the children's ladder would end the process. Then <see cref="SignalHold"/> has them.
/// </remarks>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "A source without timer and links holds nothing, and a late call must still find it.")]
internal sealed class SignalDispatcher(
    IServiceScopeFactory scopes,
    IOptions<UnixEventLoopOptions> options,
    IEnumerable<SignalHandler> handlers,
    SignalHold hold,
    ServiceNotifier serviceManager,
    ILogger<SignalDispatcher> logger,
    ShutdownLog log,
    IConfiguration? configuration = null)
{
    private readonly ILogger _ending = log.CreateLogger<SignalDispatcher>();
    private readonly Lock _lock = new();
    private readonly Dictionary<UnixSignal, Task> _running = [];
    private readonly CancellationTokenSource _stop = new();
    private bool _stopped;

    /// <exception cref="ArgumentException">A signal can't be handled; the message names it.</exception>
    internal void Start(UnixEventLoop loop)
    {
        IEnumerable<SignalHandler> all = options.Value.ReloadOnHangup ? [new SignalHandler(UnixSignal.Hup, Reload), .. handlers] : handlers;
        foreach (IGrouping<UnixSignal, SignalHandler> signal in all.GroupBy(h => h.Signal))
        {
            SignalHandler[] ordered = [.. signal];
            loop.AddSignalHandler(signal.Key, token => RunAsync(signal.Key, ordered, token));
            hold.Add(signal.Key);
        }
    }

    /// <summary>Refuses further calls, cancels those that run, and waits for them.</summary>
    internal async Task StopAsync(CancellationToken cancellationToken)
    {
        KeyValuePair<UnixSignal, Task>[] running;
        lock (_lock)
        {
            _stopped = true;
            running = [.. _running];
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        foreach ((UnixSignal signal, Task task) in running)
        {
            try
            {
                await task.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                LoopServiceLog.SignalHandlerNotFinished(_ending, signal);
            }
        }
    }

    /// <summary>Known as running before the first handler begins: a stop must not pass it by.</summary>
    private async ValueTask RunAsync(UnixSignal signal, SignalHandler[] ordered, CancellationToken cancellationToken)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_stopped)
                return;
            _running[signal] = ended.Task;
        }

        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
            // Type=notify-reload sends HUP and waits for both, whatever this application does at a HUP (systemd.service(5)).
            bool reload = signal == UnixSignal.Hup && serviceManager.BeginReload();
            try
            {
                await RunAsync(ordered, either.Token).ConfigureAwait(false);
            }
            finally
            {
                if (reload)
                    serviceManager.EndReload();
            }
        }
        finally
        {
            ended.SetResult();
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A handler's failure is logged; the other handlers still run.")]
    private async Task RunAsync(SignalHandler[] ordered, CancellationToken cancellationToken)
    {
        foreach (SignalHandler handler in ordered)
        {
            AsyncServiceScope scope = scopes.CreateAsyncScope();
            try
            {
                await using (scope.ConfigureAwait(false))
                    await handler.Callback(scope.ServiceProvider, cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                LoopServiceLog.SignalHandlerFailed(logger, handler.Signal, e);
            }
        }
    }

    /// <summary>A provider that can't read its source keeps what it had; the error is the only sign of it.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Whatever a configuration provider throws, the application goes on with what it has.")]
    private Task Reload(IServiceProvider services, CancellationToken cancellationToken)
    {
        try
        {
            ((IConfigurationRoot)configuration!).Reload();
            LoopServiceLog.ConfigurationReloaded(logger);
        }
        catch (Exception e)
        {
            LoopServiceLog.ConfigurationNotReloaded(logger, e);
        }

        return Task.CompletedTask;
    }
}
