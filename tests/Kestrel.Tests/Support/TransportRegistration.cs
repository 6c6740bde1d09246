using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;

namespace UnixLoop.Kestrel.Tests.Support;

internal static class TransportRegistration
{
    /// <summary>After UseKestrelCore, as WebApplicationBuilder has it.</summary>
    internal static void Register(this Transport transport, IServiceCollection services)
    {
        _ = services;
        Assert.Equal(Transport.Default, transport);
    }

    /// <summary>The last one that was registered is the first that Kestrel asks.</summary>
    internal static IConnectionListenerFactory FactoryOf(this Transport transport, IServiceProvider services)
    {
        IConnectionListenerFactory factory = services.GetServices<IConnectionListenerFactory>().Last();
        Assert.Equal(transport != Transport.Default, factory.GetType().Namespace!.StartsWith("UnixLoop", StringComparison.Ordinal));
        return factory;
    }
}
