using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace UnixLoop.Hosting.Kestrel;

/// <summary>The default loop, and those that the connections are spread over beside it: made at the first bind, ended with the services.</summary>
internal sealed class TransportLoops(IServiceProvider services, IOptions<KestrelTransportOptions> options) : IAsyncDisposable, IDisposable
{
    private readonly List<UnixEventLoop> _further = [];
    private IUnixEventLoop[]? _all;

    /// <summary>Kestrel binds one endpoint after the other.</summary>
    internal async ValueTask<IUnixEventLoop[]> StartAsync(CancellationToken cancellationToken)
    {
        if (_all is not null)
            return _all;
        IUnixEventLoop main = services.GetRequiredService<IUnixEventLoop>();
        UnixEventLoopOptions its = services.GetRequiredService<IOptions<UnixEventLoopOptions>>().Value;
        while (_further.Count < options.Value.LoopCount - 1)
        {
            var loop = new UnixEventLoop(new UnixEventLoopSettings
            {
                Name = $"{main.Name}-{_further.Count + 2}",
                LoggerFactory = services.GetRequiredService<ILoggerFactory>(),
                MeterFactory = services.GetRequiredService<IMeterFactory>(),
                TimeProvider = services.GetService<TimeProvider>(),
                Debug = its.Debug,
                SlowCallbackThreshold = its.SlowCallbackThreshold,
                PollBeforeBlocking = its.PollBeforeBlocking,
            });
            _further.Add(loop);
            await loop.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        return _all = [main, .. _further];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (UnixEventLoop loop in _further)
            await loop.DisposeAsync().ConfigureAwait(false);
    }

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();
}
