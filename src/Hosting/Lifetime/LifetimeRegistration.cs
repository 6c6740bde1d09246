using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using UnixLoop.Hosting.Systemd;

namespace UnixLoop.Hosting;

/// <summary>Puts <see cref="UnixHostLifetime"/> in the place of the lifetimes that it can stand for, and finds out whether it got there.</summary>
internal static class LifetimeRegistration
{
    private static readonly Func<IServiceProvider, IHostLifetime> Ours = UnixHostLifetime.Create;

    /// <summary>
    /// ConsoleLifetime and SystemdLifetime register the signals themselves and stop the application at once, so that neither may
    /// stay beside ours; systemd's notifier does. A lifetime that the application chose otherwise is left alone.
    /// </summary>
    internal static void Replace(IServiceCollection services)
    {
        for (int i = services.Count - 1; i >= 0; i--)
        {
            if (services[i] is { IsKeyedService: false } d && d.ServiceType == typeof(IHostLifetime)
                && (d.ImplementationType == typeof(ConsoleLifetime) || d.ImplementationType == typeof(SystemdLifetime)))
            {
                services.RemoveAt(i);
            }
        }

        if (!services.Any(d => d.ServiceType == typeof(IHostLifetime)))
            services.AddSingleton(Ours);
    }

    /// <summary>Called once when the host starts: says so if another lifetime is in force, and refuses options that only ours can keep.</summary>
    internal static void Check(IServiceProvider services)
    {
        IHostLifetime? lifetime = services.GetService<IHostLifetime>();
        if (lifetime is null or UnixHostLifetime)
            return;
        services.GetRequiredService<ServiceNotifier>().Follow(services.GetRequiredService<IHostApplicationLifetime>());
        Type type = lifetime.GetType();
        string advice = lifetime is SystemdLifetime
            ? "Call UseSystemd before AddUnixEventLoop."
            : $"Remove the registration of {type.Name} (UseConsoleLifetime and RunConsoleAsync make one), or keep ShutdownDelay at 0.";
        if (services.GetRequiredService<IOptions<UnixEventLoopOptions>>().Value.ShutdownDelay is { Ticks: > 0 } delay)
            throw new InvalidOperationException($"ShutdownDelay is {delay:c}, which needs UnixHostLifetime, but the host's lifetime is {type}. {advice}");
        LifetimeLog.LifetimeSteppedBack(services.GetRequiredService<ILoggerFactory>().CreateLogger(LifetimeLog.Category), type, advice);
    }
}
