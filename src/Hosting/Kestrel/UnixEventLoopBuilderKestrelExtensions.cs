using UnixLoop.Hosting;
using UnixLoop.Hosting.Kestrel;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Serves Kestrel's Unix sockets by the loop.</summary>
public static class UnixEventLoopBuilderKestrelExtensions
{
    /// <summary>
    /// Kestrel's Unix-socket endpoints, by path or abstract name, and Unix sockets that it is handed, are served by the loop; TCP stays with
    /// Kestrel's own transport beside it. Options come from the section of <c>AddUnixEventLoop</c>, then from <paramref name="configure"/>.
    /// </summary>
    /// <remarks>
    /// With a HostBuilder call it after ConfigureWebHostDefaults: registered before, it would be the only transport (then TCP endpoints fail at their bind, and say so).
    /// With WebApplicationBuilder the order does not matter.
    /// </remarks>
    /// <param name="builder">The default loop's builder.</param>
    /// <param name="configure">Sets options; null for none.</param>
    /// <returns>The builder.</returns>
    /// <exception cref="InvalidOperationException">The builder is a named loop's.</exception>
    public static IUnixEventLoopBuilder UseKestrelTransport(this IUnixEventLoopBuilder builder, Action<KestrelTransportOptions>? configure = null)
    {
        KestrelRegistration.AddTransport(builder.ThrowIfNamed(), configure);
        return builder;
    }

    /// <summary>
    /// Takes over systemd's socket activation (sd_listen_fds(3)): a listener whose <see cref="UnixListenerOptions.FdName"/> names an activated socket serves that. LISTEN_PID, LISTEN_FDS and
    /// LISTEN_FDNAMES are cleared when the host starts, so that no child takes them for its own.
    /// </summary>
    /// <remarks>Not together with Kestrel's own <c>UseSystemd()</c>, which takes the same descriptors: that is an error at start. Without activation endpoints are bound as usual.</remarks>
    /// <param name="builder">The default loop's builder.</param>
    /// <returns>The builder.</returns>
    /// <exception cref="InvalidOperationException">The builder is a named loop's.</exception>
    public static IUnixEventLoopBuilder UseSystemdSocketActivation(this IUnixEventLoopBuilder builder)
    {
        KestrelRegistration.AddActivation(builder.ThrowIfNamed());
        return builder;
    }
}
