using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace UnixLoop.Hosting;

/// <summary>Makes the loops from their options.</summary>
internal static class LoopFactory
{
    /// <summary>The default loop, or a named one by its own options.</summary>
    internal static UnixEventLoop Create(IServiceProvider services, string optionsName) =>
        Create(services, optionsName, optionsName.Length > 0 ? optionsName : new UnixEventLoopSettings().Name);

    internal static UnixEventLoop Create(IServiceProvider services, string optionsName, string loopName)
    {
        services.GetRequiredService<HostPlatform>().ThrowIfUnsupported();
        UnixEventLoopOptions options = services.GetRequiredService<IOptionsMonitor<UnixEventLoopOptions>>().Get(optionsName);
        return new UnixEventLoop(new UnixEventLoopSettings
        {
            LoggerFactory = services.GetRequiredService<ShutdownLog>().OnceStopping,
            MeterFactory = services.GetRequiredService<IMeterFactory>(),
            TimeProvider = services.GetService<TimeProvider>(),
            Name = loopName,
            Debug = options.Debug,
            SlowCallbackThreshold = options.SlowCallbackThreshold,
            PollBeforeBlocking = options.PollBeforeBlocking,
            // The container disposes them, and the process must end whatever holds a loop.
            DisposeTimeout = HostedLoops.LateStopBound,
        });
    }
}
