using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using UnixLoop.Hosting;

namespace UnixLoop.Kestrel.Tests.Support;

internal static class TransportRegistration
{
    /// <summary>After UseKestrelCore, as WebApplicationBuilder has it.</summary>
    internal static void Register(this Transport transport, IServiceCollection services)
    {
        if (transport == Transport.Default)
            return;
        services.AddUnixEventLoop().UseKestrelTransport(options =>
        {
            options.ApplicationScheduling = transport == Transport.LoopInline ? ApplicationScheduling.Inline : ApplicationScheduling.ThreadPool;
            options.LoopCount = transport == Transport.TwoLoops ? 2 : 1;
        });
    }

    /// <summary>The one that Kestrel asks for a Unix socket.</summary>
    internal static IConnectionListenerFactory FactoryOf(this Transport transport, IServiceProvider services)
    {
        IConnectionListenerFactory factory = services.GetServices<IConnectionListenerFactory>().Last();
        Assert.Equal(transport != Transport.Default, factory.GetType().Namespace!.StartsWith("UnixLoop", StringComparison.Ordinal));
        return factory;
    }
}
