using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace UnixLoop.Hosting;

/// <summary>Makes the loops from their options.</summary>
internal static class LoopFactory
{
    internal static UnixEventLoop Create(IServiceProvider services, string name)
    {
        services.GetRequiredService<HostPlatform>().ThrowIfUnsupported();
        UnixEventLoopOptions options = services.GetRequiredService<IOptionsMonitor<UnixEventLoopOptions>>().Get(name);
        var settings = new UnixEventLoopSettings
        {
            LoggerFactory = services.GetRequiredService<ILoggerFactory>(),
            MeterFactory = services.GetRequiredService<IMeterFactory>(),
            TimeProvider = services.GetService<TimeProvider>(),
            Name = name.Length > 0 ? name : new UnixEventLoopSettings().Name,
            Debug = options.Debug,
            SlowCallbackThreshold = options.SlowCallbackThreshold,
            PollBeforeBlocking = options.PollBeforeBlocking,
        };
        return new UnixEventLoop(settings);
    }
}
