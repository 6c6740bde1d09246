using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using UnixLoop.Hosting.Activation;
using UnixLoop.Hosting.Connections;
using UnixLoop.Hosting.Supervision;
using UnixLoop.Hosting.Systemd;

namespace UnixLoop.Hosting;

/// <summary>
/// Starts the loops before every service's StartAsync and stops them, children first, after every service's StopAsync. What a
/// failed start, or a host that never ran, leaves behind goes with the dispose.
/// </summary>
/// <remarks>
/// The loops are resolved in StartingAsync, not in the constructor: hosted services are made before the options are validated,
/// and a start that fails must list the mistakes of all options, not of these alone.
/// </remarks>
internal sealed class UnixEventLoopHostedService(
    IServiceProvider services,
    IEnumerable<NamedLoop> namedLoops,
    HostedLoops loops,
    ILogger<UnixEventLoopHostedService> logger) : IHostedLifecycleService, IAsyncDisposable, IDisposable
{
    private HostedChildren? _children;
    private UnixEventLoop? _default;
    private Watchdog? _watchdog;
    private ShutdownTimeline? _timeline;
    private HealthResponder? _responder;
    private int _stopped;

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        services.GetRequiredService<HostPlatform>().ThrowIfUnsupported();
        // Before any child is started; Kestrel's options have been made by now, its own UseSystemd included.
        services.GetService<SocketActivation>()?.Read();
        _default = services.GetService<UnixEventLoop>();
        if (_default is not null)
            LifetimeRegistration.Check(services);
        foreach (UnixEventLoop loop in Loops())
            await loops.StartAsync(loop, cancellationToken).ConfigureAwait(false);

        if (_default is null)
            return;
        TellBudget();
        WarnOfDrain();
        _timeline = services.GetRequiredService<ShutdownTimeline>();
        _watchdog = Watchdog.TryStart(services, loops);
        _children = services.GetRequiredService<HostedChildren>();
        // Made after what ends children in its disposal, and so disposed before it.
        _ = services.GetRequiredService<ShutdownLog.Disposal>();
        _children.Attach(_default);
        services.GetRequiredService<SignalDispatcher>().Start(_default);
        _responder = services.GetRequiredService<HealthResponder>();
        await _responder.StartAsync(cancellationToken).ConfigureAwait(false);
    }

    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0)
            return;
        _timeline?.Enter(ShutdownPhase.Children);
        // Side by side: a handler that hangs must not use up the children's time, or they would be killed without a TERM.
        Task handlers = _default is null ? Task.CompletedTask : services.GetRequiredService<SignalDispatcher>().StopAsync(cancellationToken);
        Task children = _children is null ? Task.CompletedTask : _children.StopAsync(cancellationToken);
        await Task.WhenAll(handlers, children).ConfigureAwait(false);
        _watchdog?.Dispose();
        _timeline?.Enter(ShutdownPhase.Loops);
        await StopResponderAsync(cancellationToken).ConfigureAwait(false);
        await loops.StopAsync(cancellationToken).ConfigureAwait(false);
        _timeline?.Enter(ShutdownPhase.Over);
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _children?.Start();
        return Task.CompletedTask;
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        _timeline?.Enter(ShutdownPhase.Services);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Idempotent, and harmless beside the container's own dispose of loops and children.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0)
            return;
        await StopResponderAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
        if (_children is not null)
            await _children.KillAsync().ConfigureAwait(false);
        _watchdog?.Dispose();
        await loops.StopLateAsync().ConfigureAwait(false);
    }

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    private UnixEventLoop[] Loops() =>
    [
        .. _default is null ? (ReadOnlySpan<UnixEventLoop>)[] : [_default],
        .. namedLoops.Select(named => services.GetRequiredKeyedService<UnixEventLoop>(named.Name)),
    ];

    private Task StopResponderAsync(CancellationToken cancellationToken) => _responder?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    /// <summary>Without a delay the web server closes its connections itself, and at once.</summary>
    private void WarnOfDrain()
    {
        if (services.GetRequiredService<IOptions<UnixEventLoopOptions>>().Value.ShutdownDelay > TimeSpan.Zero && DrainingListenerFactory.IsPassedBy(services))
            LifetimeLog.DrainPassedBy(services.GetRequiredService<ILoggerFactory>().CreateLogger(LifetimeLog.Category));
    }

    private void TellBudget()
    {
        UnixEventLoopOptions options = services.GetRequiredService<IOptions<UnixEventLoopOptions>>().Value;
        TimeSpan timeout = services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout;
        if (ShutdownBudget.Total(options.ShutdownDelay, timeout) is { } total)
            LoopServiceLog.ShutdownBudget(logger, total, options.ShutdownDelay, timeout, services.GetRequiredService<ProcessCatalog>().LongestGrace(options.ChildStopGrace), ShutdownBudget.Reserve);
    }
}
