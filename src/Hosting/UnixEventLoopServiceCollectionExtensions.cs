using Microsoft.Extensions.Configuration;
using UnixLoop;
using UnixLoop.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers UnixLoop's event loops.</summary>
/// <remarks>
/// Linux only. Elsewhere the registration succeeds and the host's start throws <see cref="PlatformNotSupportedException"/>; an
/// application that also runs elsewhere guards the call with <see cref="OperatingSystem.IsLinux"/>.
/// </remarks>
public static class UnixEventLoopServiceCollectionExtensions
{
    /// <summary>
    /// Adds the default loop, configured from the section <c>UnixEventLoop</c>: <see cref="IUnixEventLoop"/>,
    /// <see cref="IChildWatcher"/>, <see cref="ISubprocessFactory"/>, <see cref="ISupervisor"/> and <see cref="IUnixHostDrain"/> as
    /// singletons, and <see cref="UnixHostLifetime"/> in the place of the console's or systemd's lifetime. Its part <c>Processes</c>
    /// holds supervised processes by name.
    /// </summary>
    /// <remarks>The overloads may be called together and repeatedly: there is one loop, and its options are set in the order of the calls.</remarks>
    /// <param name="services">The application's services. Call <c>UseSystemd</c> or <c>AddSystemd</c> before.</param>
    /// <returns>For signal handlers and the choice of the child watcher.</returns>
    public static IUnixEventLoopBuilder AddUnixEventLoop(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        return Registration.AddDefault(services, Registration.BindDefaultSection);
    }

    /// <summary>Adds the default loop, configured by <paramref name="configure"/>; no configuration section is read.</summary>
    /// <inheritdoc cref="AddUnixEventLoop(IServiceCollection)" path="/remarks|/returns"/>
    /// <param name="services">The application's services. Call <c>UseSystemd</c> or <c>AddSystemd</c> before.</param>
    /// <param name="configure">Sets options.</param>
    public static IUnixEventLoopBuilder AddUnixEventLoop(this IServiceCollection services, Action<UnixEventLoopOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        return Registration.AddDefault(services, s => s.Configure(configure));
    }

    /// <summary>Adds the default loop, configured from <paramref name="section"/>.</summary>
    /// <inheritdoc cref="AddUnixEventLoop(IServiceCollection)" path="/remarks|/returns"/>
    /// <param name="services">The application's services. Call <c>UseSystemd</c> or <c>AddSystemd</c> before.</param>
    /// <param name="section">Holds the properties of <see cref="UnixEventLoopOptions"/> and of <see cref="KestrelTransportOptions"/>, and <c>Processes</c>; another key is a mistake.</param>
    public static IUnixEventLoopBuilder AddUnixEventLoop(this IServiceCollection services, IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(section);
        return Registration.AddDefault(services, s => Registration.BindSection(s, section));
    }

    /// <summary>
    /// Adds a further loop with a thread of its own: a keyed <see cref="IUnixEventLoop"/> whose key, options' name and thread
    /// name are <paramref name="name"/>. Children, <c>OnSignal</c> and the lifetime belong to the default loop alone.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="name">Not empty.</param>
    /// <param name="configure">Sets the loop's options; null for the defaults.</param>
    /// <returns>The builder of this loop.</returns>
    public static IUnixEventLoopBuilder AddUnixEventLoop(this IServiceCollection services, string name, Action<UnixEventLoopOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return Registration.AddNamed(services, name, configure);
    }
}
