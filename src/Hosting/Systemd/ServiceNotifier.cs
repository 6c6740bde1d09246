using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;

namespace UnixLoop.Hosting.Systemd;

/// <summary>
/// Tells the service manager READY and STOPPING, each at most once and never READY after STOPPING: through the application's
/// <see cref="ISystemdNotifier"/> where <c>UseSystemd</c> registered one that is enabled, else through NOTIFY_SOCKET, else not at all.
/// </summary>
internal sealed class ServiceNotifier(ISystemdNotifier? notifier, NotifySocket? socket, ILogger logger)
{
    private readonly Lock _lock = new();
    private bool _readyDone;
    private bool _stoppingDone;

    internal static ServiceNotifier Create(IServiceProvider services)
    {
        ILogger logger = services.GetRequiredService<ILoggerFactory>().CreateLogger(LifetimeLog.Category);
        ISystemdNotifier? notifier = services.GetService<ISystemdNotifier>();
        if (notifier is { IsEnabled: true })
            return new ServiceNotifier(notifier, null, logger);
        NotifySocket? socket = null;
        string? address = Environment.GetEnvironmentVariable(NotifySocket.Variable);
        if (!string.IsNullOrEmpty(address) && !NotifySocket.TryCreate(address, out socket))
            LifetimeLog.NotifySocketUnsupported(logger, address);
        return new ServiceNotifier(null, socket, logger);
    }

    internal void Ready()
    {
        lock (_lock)
        {
            if (_readyDone || _stoppingDone)
                return;
            _readyDone = true;
            Notify("READY=1", ServiceState.Ready);
        }
    }

    internal void Stopping()
    {
        lock (_lock)
        {
            if (_stoppingDone)
                return;
            _stoppingDone = true;
            Notify("STOPPING=1", ServiceState.Stopping);
        }
    }

    /// <summary>Under the lock, so that the two states arrive in their order.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A service manager that can't be told is no reason to fail; whatever the notifier throws is logged.")]
    private void Notify(string text, ServiceState state)
    {
        if (notifier is null && socket is null)
            return;
        try
        {
            if (notifier is not null)
                notifier.Notify(state);
            else
                socket!.Send(System.Text.Encoding.ASCII.GetBytes(text));
            LifetimeLog.ServiceManagerNotified(logger, text);
        }
        catch (Exception e)
        {
            LifetimeLog.ServiceManagerNotNotified(logger, text, e);
        }
    }
}
