using Microsoft.Extensions.DependencyInjection;
using UnixLoop.Hosting.Connections;

namespace Microsoft.AspNetCore.Connections;

/// <summary>UnixLoop's drain for connections that are encrypted.</summary>
public static class UnixHostDrainConnectionBuilderExtensions
{
    /// <summary>
    /// Lets the connections of a TLS endpoint drain request by request, as those without TLS do by themselves (docs/hosting.md): call it
    /// on Kestrel's ListenOptions after <c>UseHttps</c>.
    /// </summary>
    /// <typeparam name="TBuilder">The endpoint's builder.</typeparam>
    /// <param name="builder">The endpoint.</param>
    /// <returns>The endpoint.</returns>
    /// <exception cref="InvalidOperationException"><c>AddUnixEventLoop</c> was not called.</exception>
    public static TBuilder UseUnixHostDrain<TBuilder>(this TBuilder builder)
        where TBuilder : IConnectionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        ConnectionDrain drain = builder.ApplicationServices.GetService<ConnectionDrain>()
            ?? throw new InvalidOperationException("UseUnixHostDrain needs AddUnixEventLoop().");
        builder.Use(next => connection =>
        {
            drain.Add(connection, belowTls: false);
            return next(connection);
        });
        return builder;
    }
}
