using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;

namespace UnixLoop.Hosting.Systemd;

/// <summary>
/// Speaks to the service manager (sd_notify(3)): READY and STOPPING at most once each, never READY after STOPPING, and each RELOADING
/// followed by READY unless STOPPING comes between. READY and STOPPING go through the application's <see cref="ISystemdNotifier"/> where
/// <c>UseSystemd</c> registered one that is enabled; all else, and these two without it, through NOTIFY_SOCKET.
/// </summary>
internal sealed class ServiceNotifier(ISystemdNotifier? notifier, NotifySocket? socket, ILogger logger)
{
    private const string ServingStatus = "STATUS=Serving";

    /// <summary>As for our own socket.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Held while a state is sent, so that states arrive in their order.</summary>
    private readonly Lock _lock = new();
    private bool _ready;
    private bool _stopping;
    private bool _isUnheard;
    private Task _sent = Task.CompletedTask;

    /// <summary>Whether anybody listens.</summary>
    internal bool IsEnabled => notifier is not null || socket is not null;

    internal static ServiceNotifier Create(IServiceProvider services)
    {
        ILogger logger = services.GetRequiredService<ShutdownLog>().CreateLogger(LifetimeLog.Category);
        NotifySocket? socket = null;
        string? address = Environment.GetEnvironmentVariable(NotifySocket.Variable);
        if (!string.IsNullOrEmpty(address) && !NotifySocket.TryCreate(address, out socket))
            LifetimeLog.NotifySocketUnsupported(logger, address);
        ISystemdNotifier? notifier = services.GetService<ISystemdNotifier>();
        return new ServiceNotifier(notifier is { IsEnabled: true } ? notifier : null, socket, logger);
    }

    /// <summary>The application serves.</summary>
    internal void Ready()
    {
        lock (_lock)
        {
            if (_ready || _stopping)
                return;
            _ready = true;
            Notify(throughNotifier: true, "READY=1", ServingStatus);
        }
    }

    /// <summary>The application has been asked to stop, and needs up to <paramref name="budget"/> for it from now; null if that is not known. Later calls tell how far it has come.</summary>
    internal void Stopping(string status, TimeSpan? budget)
    {
        lock (_lock)
        {
            bool isFirst = !_stopping;
            _stopping = true;
            string[] state = isFirst ? ["STOPPING=1"] : [];
            Notify(throughNotifier: isFirst, [.. state, $"STATUS={status}", .. Extension(budget)]);
        }
    }

    /// <summary>A reload begins; does nothing before READY and after STOPPING, where it would be taken for something else.</summary>
    /// <returns>Whether <see cref="EndReload"/> must follow.</returns>
    internal bool BeginReload()
    {
        lock (_lock)
        {
            if (!_ready || _stopping)
                return false;
            Notify(throughNotifier: false, "RELOADING=1", $"MONOTONIC_USEC={MonotonicClock.Microseconds}", "STATUS=Reloading");
            return true;
        }
    }

    /// <summary>The reload is over, well or not.</summary>
    internal void EndReload()
    {
        lock (_lock)
        {
            if (!_stopping)
                Notify(throughNotifier: false, "READY=1", ServingStatus);
        }
    }

    /// <summary>
    /// The loops turn. Never waits: a state that is just being sent, or a full queue, only costs this one. Of a row of beats that fail only
    /// the first is logged.
    /// </summary>
    internal void KeepAlive()
    {
        if (!_lock.TryEnter())
            return;
        try
        {
            Exception? failure = TrySend(throughNotifier: false, wait: false, "WATCHDOG=1");
            if (failure is not null && !_isUnheard)
                LifetimeLog.ServiceManagerNotNotified(logger, "WATCHDOG=1", failure);
            _isUnheard = failure is not null;
        }
        finally
        {
            _lock.Exit();
        }
    }

    /// <summary>Another lifetime is in force, which tells READY and STOPPING itself or does not: only what is possible when is followed.</summary>
    internal void Follow(IHostApplicationLifetime application)
    {
        application.ApplicationStarted.Register(() => Set(ref _ready));
        application.ApplicationStopping.Register(() => Set(ref _stopping));

        void Set(ref bool flag)
        {
            lock (_lock)
                flag = true;
        }
    }

    /// <summary>The notifier of UseSystemd waits without a bound for a service manager that does not read, and neither start nor stop may wait with it.</summary>
    private void Send(ISystemdNotifier through, ServiceState state)
    {
        // In their order: nothing overtakes a state that is still on its way.
        if (_sent.IsCompleted)
        {
            _sent = Task.Factory.StartNew(() => through.Notify(state), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            // Not Wait, which would run it on this thread.
            if (((IAsyncResult)_sent).AsyncWaitHandle.WaitOne(Patience))
            {
                _sent.GetAwaiter().GetResult();
                return;
            }
        }
        throw new TimeoutException("The service manager does not read.");
    }

    private static string[] Extension(TimeSpan? budget) => budget is { } time
        ? [string.Create(CultureInfo.InvariantCulture, $"EXTEND_TIMEOUT_USEC={(long)time.TotalMicroseconds}")]
        : [];

    private void Notify(bool throughNotifier, params string[] lines)
    {
        if (!IsEnabled)
            return;
        if (TrySend(throughNotifier, wait: true, string.Join('\n', lines)) is { } failure)
            LifetimeLog.ServiceManagerNotNotified(logger, lines[0], failure);
        else
            LifetimeLog.ServiceManagerNotified(logger, string.Join(", ", lines));
    }

    /// <summary>Null, or why it could not be told.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A service manager that can't be told is no reason to fail; whatever the notifier throws is logged.")]
    private Exception? TrySend(bool throughNotifier, bool wait, string state)
    {
        try
        {
            if (notifier is not null && (throughNotifier || socket is null))
                Send(notifier, new ServiceState(state));
            else
                socket!.Send(Encoding.UTF8.GetBytes(state), wait);
            return null;
        }
        catch (Exception e)
        {
            return e;
        }
    }
}
