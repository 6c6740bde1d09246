using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;

namespace UnixLoop.Hosting.Connections;

/// <summary>
/// Stands before the server's transports, which it asks as the server would, and sees every connection that they accept: each endpoint
/// drains, whatever its transport. The server asks the last one registered first, so it has to be the last.
/// </summary>
internal sealed class DrainingListenerFactory(IServiceProvider services, ConnectionDrain drain) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private IConnectionListenerFactory[]? _transports;

    /// <summary>
    /// Adds it behind the transports that are there. Where there is none yet nothing is added: a server's <c>TryAdd</c> of its own
    /// transport would be skipped.
    /// </summary>
    internal static void Append(IServiceCollection services)
    {
        foreach (ServiceDescriptor earlier in services.Where(IsOurs).ToArray())
            services.Remove(earlier);
        if (services.Any(static service => !service.IsKeyedService && service.ServiceType == typeof(IConnectionListenerFactory)))
            services.AddSingleton<IConnectionListenerFactory, DrainingListenerFactory>();
    }

    /// <summary>Called once when the host starts: whether a transport has come behind it, whose connections it does not see. Without transports there is nothing to drain.</summary>
    internal static bool IsPassedBy(IServiceProvider services) => services.GetServices<IConnectionListenerFactory>().LastOrDefault() is not (null or DrainingListenerFactory);

    public bool CanBind(EndPoint endpoint) => Find(endpoint) is not null;

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        IConnectionListenerFactory transport = Find(endpoint) ?? throw new NotSupportedException($"No transport can listen at {endpoint}.");
        return new Listener(await transport.BindAsync(endpoint, cancellationToken).ConfigureAwait(false), drain);
    }

    private static bool IsOurs(ServiceDescriptor service) => !service.IsKeyedService && service.ImplementationType == typeof(DrainingListenerFactory);

    private IConnectionListenerFactory? Find(EndPoint endpoint)
    {
        // Not in the constructor: we are one of them.
        _transports ??= [.. services.GetServices<IConnectionListenerFactory>().Where(transport => transport is not DrainingListenerFactory).Reverse()];
        return _transports.FirstOrDefault(transport => transport is not IConnectionListenerFactorySelector selector || selector.CanBind(endpoint));
    }

    private sealed class Listener(IConnectionListener inner, ConnectionDrain drain) : IConnectionListener
    {
        public EndPoint EndPoint => inner.EndPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            ConnectionContext? connection = await inner.AcceptAsync(cancellationToken).ConfigureAwait(false);
            if (connection is not null)
                drain.Add(connection, belowTls: true);
            return connection;
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => inner.UnbindAsync(cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
