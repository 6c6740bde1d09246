using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using UnixLoop.Hosting.Activation;
using UnixLoop.Hosting.Connections;
using UnixLoop.Hosting.Kestrel.Listening;

namespace UnixLoop.Hosting.Kestrel;

internal static class KestrelRegistration
{
    internal static void AddTransport(IServiceCollection services, Action<KestrelTransportOptions>? configure)
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<KestrelTransportOptions>, KestrelSection>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<KestrelTransportOptions>, KestrelTransportOptionsRules>());
        if (configure is not null)
            services.Configure(configure);
        services.AddOptions<KestrelTransportOptions>().ValidateOnStart();
        services.TryAddSingleton<TransportLoops>();
        services.TryAddSingleton<ListenerCatalog>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, OpenEndpoints>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConnectionListenerFactory, LoopTransportFactory>());
        DrainingListenerFactory.Append(services);
    }

    internal static void AddActivation(IServiceCollection services) => services.TryAddSingleton<SocketActivation>();
}
