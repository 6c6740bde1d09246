using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace UnixLoop.Hosting.Systemd;

/// <summary>
/// Tells the service manager that the loops turn: at each beat a token goes from loop to loop, and the last one sends WATCHDOG=1. A loop
/// that does not turn keeps the token, and so the service manager from hearing of us. What the thread pool does is not asked.
/// </summary>
internal sealed class Watchdog : IDisposable
{
    private readonly ServiceNotifier _serviceManager;
    private readonly TimeSpan _interval;
    private readonly HostedLoops _loops;
    private readonly ILogger _logger;
    private ITimer? _timer;

    /// <summary>The loops of this beat. Written by the first one between two beats, when nobody else has the token.</summary>
    private IReadOnlyList<UnixEventLoop> _round = [];

    /// <summary>The place in the round of the loop that has the token; -1 between two beats. Written by the loop that has it.</summary>
    private volatile int _holder = -1;

    /// <summary>The first loop's, as the timer is.</summary>
    private bool _isWithheldTold;

    internal Watchdog(ServiceNotifier serviceManager, TimeSpan interval, HostedLoops loops, ILogger logger)
    {
        _serviceManager = serviceManager;
        _interval = interval;
        _loops = loops;
        _logger = logger;
    }

    /// <summary>Null where nobody watches.</summary>
    internal static Watchdog? TryStart(IServiceProvider services, HostedLoops loops)
    {
        ServiceNotifier serviceManager = services.GetRequiredService<ServiceNotifier>();
        ILogger logger = services.GetRequiredService<ShutdownLog>().OnceStopping.CreateLogger(LifetimeLog.Category);
        if (!serviceManager.IsEnabled || loops.Started.Count == 0 || WatchdogInterval.Read(logger) is not { } interval)
            return null;
        var watchdog = new Watchdog(serviceManager, interval, loops, logger);
        watchdog.Start();
        LifetimeLog.WatchdogStarted(logger, interval);
        return watchdog;
    }

    internal void Start() => _timer = _loops.Started[0].TimeProvider.CreateTimer(static watchdog => ((Watchdog)watchdog!).BeatOnLoop(), this, TimeSpan.Zero, _interval);

    public void Dispose() => _timer?.Dispose();

    private void BeatOnLoop()
    {
        if (_holder >= 0)
        {
            if (!_isWithheldTold)
                LifetimeLog.WatchdogWithheld(_logger, _round[_holder].Name);
            _isWithheldTold = true;
            return;
        }
        _isWithheldTold = false;
        // Kestrel adds its loops when it binds, after the first beats.
        _round = _loops.Started;
        PassOnLoop(0);
    }

    private void PassOnLoop(int arrived)
    {
        int next = arrived + 1;
        if (next == _round.Count)
        {
            _holder = -1;
            _serviceManager.KeepAlive();
            return;
        }
        _holder = next;
        try
        {
            _round[next].Post(() => PassOnLoop(next));
        }
        catch (ObjectDisposedException)
        {
            // It has ended, and keeps the token: that is not a loop that turns.
        }
    }
}
