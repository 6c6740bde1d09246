using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using UnixLoop.Hosting.Systemd;

namespace UnixLoop.Hosting;

/// <summary>
/// The host's lifetime on Linux. The first TERM, INT or QUIT lets the application drain for
/// <see cref="UnixEventLoopOptions.ShutdownDelay"/> and then stops it; a second one cuts the delay short; the next one flushes the
/// log for at most 1 s and ends the process with exit code 128 plus the signal's number. A signal during start-up cancels the start.
/// systemd is told READY and STOPPING, each once.
/// </summary>
public sealed class UnixHostLifetime : IHostLifetime, IDisposable
{
    // PosixSignalRegistration and not the default loop's AddSignalHandler: a signal must be heard before the loop has started
    // and after it has died, the runtime runs these three signals on a thread of their own even when the pool is exhausted,
    // and a loop has one handler for each signal, which is the application's to set. Registrations of one signal all run.
    private readonly List<PosixSignalRegistration> _signals = [];
    private readonly ShutdownSequence _sequence = new();
    private readonly IHostApplicationLifetime _application;
    private readonly IHostEnvironment _environment;
    private readonly IOptions<UnixEventLoopOptions> _options;
    private readonly IOptions<HostOptions> _hostOptions;
    private readonly bool _silent;
    private readonly HostPlatform _platform;
    private readonly UnixHostDrain _drain;
    private readonly ServiceNotifier _serviceManager;
    private readonly ShutdownTimeline _timeline;
    private readonly ForcedExit _forcedExit;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private CancellationTokenRegistration _started;
    private CancellationTokenRegistration _stopping;
    private volatile ITimer? _delay;

    private UnixHostLifetime(IServiceProvider services)
    {
        _application = services.GetRequiredService<IHostApplicationLifetime>();
        _environment = services.GetRequiredService<IHostEnvironment>();
        _options = services.GetRequiredService<IOptions<UnixEventLoopOptions>>();
        _hostOptions = services.GetRequiredService<IOptions<HostOptions>>();
        _silent = services.GetRequiredService<IOptions<ConsoleLifetimeOptions>>().Value.SuppressStatusMessages;
        _platform = services.GetRequiredService<HostPlatform>();
        _drain = services.GetRequiredService<UnixHostDrain>();
        _serviceManager = services.GetRequiredService<ServiceNotifier>();
        _timeline = services.GetRequiredService<ShutdownTimeline>();
        _forcedExit = services.GetRequiredService<ForcedExit>();
        _clock = services.GetService<TimeProvider>() ?? TimeProvider.System;
        _logger = services.GetRequiredService<ShutdownLog>().CreateLogger(LifetimeLog.Category);
        // The container disposes in reverse, and the host makes its lifetime before all services of the application.
        _ = services.GetRequiredService<SignalHold>();
    }

    /// <summary>Takes over TERM, INT and QUIT.</summary>
    /// <param name="cancellationToken">Unused: nothing is waited for.</param>
    /// <exception cref="PlatformNotSupportedException">This is not Linux.</exception>
    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        _platform.ThrowIfUnsupported();
        _started = _application.ApplicationStarted.UnsafeRegister(static lifetime => ((UnixHostLifetime)lifetime!).OnStarted(), this);
        _stopping = _application.ApplicationStopping.UnsafeRegister(static lifetime => ((UnixHostLifetime)lifetime!).OnStopping(), this);
        foreach (PosixSignal signal in (ReadOnlySpan<PosixSignal>)[PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT])
            _signals.Add(PosixSignalRegistration.Create(signal, OnSignal));
        return Task.CompletedTask;
    }

    /// <summary>Does nothing: the signals stay taken until <see cref="Dispose"/>, so that a stop that hangs can still be ended.</summary>
    /// <param name="cancellationToken">Unused.</param>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Gives the signals back; they have their default action again where nobody else handles them, so that a second TERM ends the process
    /// by force until its very end. Idempotent.
    /// </summary>
    public void Dispose()
    {
        foreach (PosixSignalRegistration signal in _signals)
            signal.Dispose();
        _delay?.Dispose();
        _started.Dispose();
        _stopping.Dispose();
    }

    internal static UnixHostLifetime Create(IServiceProvider services) => new(services);

    internal void OnSignal(UnixSignal signal)
    {
        ShutdownStep step = _sequence.OnSignal();
        // An application that is stopping by itself has an exit code of its own, such as that of a loop that has died.
        if (step is ShutdownStep.CancelStart or ShutdownStep.Drain or ShutdownStep.Stop && TellsSignal())
            Environment.ExitCode = ForcedExit.CodeFor(signal);
        switch (step)
        {
            case ShutdownStep.CancelStart:
                LifetimeLog.StartCancelled(_logger, signal);
                _application.StopApplication();
                break;
            case ShutdownStep.Drain:
                TimeSpan delay = _options.Value.ShutdownDelay;
                LifetimeLog.Draining(_logger, signal, delay);
                _timeline.Enter(ShutdownPhase.Draining);
                // Armed before anybody is told: a callback of Draining that hangs must not hold up the stop.
                _delay = _clock.CreateTimer(static lifetime => ((UnixHostLifetime)lifetime!).OnDelayElapsed(), this, delay, Timeout.InfiniteTimeSpan);
                _serviceManager.Stopping($"Draining for {delay:c}", Budget(delay));
                _drain.Begin();
                break;
            case ShutdownStep.Stop:
                LifetimeLog.StoppingBySignal(_logger, signal);
                _application.StopApplication();
                break;
            case ShutdownStep.AlreadyStopping:
                LifetimeLog.SignalWhileStopping(_logger, signal);
                break;
            case ShutdownStep.Exit:
                _forcedExit.Now(ForcedExit.CodeFor(signal), () => LifetimeLog.ForcedExit(_logger, signal, ForcedExit.CodeFor(signal)));
                break;
        }
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        OnSignal(context.Signal switch
        {
            PosixSignal.SIGINT => UnixSignal.Int,
            PosixSignal.SIGQUIT => UnixSignal.Quit,
            _ => UnixSignal.Term,
        });
    }

    /// <summary>Wrong options, which may have been asked for by nobody yet, fail the start together with all others', in the host's validation.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "What configures the options may throw anything, and on this thread that would end the process.")]
    private bool TellsSignal()
    {
        try
        {
            return _options.Value.ExitCodeFromSignal;
        }
        catch (Exception)
        {
            return false;
        }
    }

    private void OnDelayElapsed()
    {
        if (!_sequence.OnDelayElapsed())
            return;
        LifetimeLog.Drained(_logger);
        _application.StopApplication();
    }

    private void OnStarted()
    {
        // Not earlier: bad options must fail the start together with all others', in the host's validation.
        if (!_sequence.OnStarted(delayed: _options.Value.ShutdownDelay > TimeSpan.Zero))
            return;
        if (!_silent)
            LifetimeLog.ApplicationStarted(_logger, _environment.EnvironmentName, _environment.ContentRootPath);
        _serviceManager.Ready();
    }

    private void OnStopping()
    {
        _sequence.OnStopping();
        _delay?.Dispose();
        if (!_silent)
            LifetimeLog.ApplicationStopping(_logger);
        _serviceManager.Stopping("Stopping", Budget(TimeSpan.Zero));
        _drain.Begin();
    }

    /// <summary>From now to the end of the process, with the flush of a forced exit; null without a bound.</summary>
    private TimeSpan? Budget(TimeSpan delay) => ShutdownBudget.Total(delay, _hostOptions.Value.ShutdownTimeout);
}
