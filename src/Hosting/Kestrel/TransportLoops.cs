using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace UnixLoop.Hosting.Kestrel;

/// <summary>The default loop, and those that the connections are spread over beside it: made at the first bind, with the default one's options; the host watches and ends them as it does its own.</summary>
internal sealed class TransportLoops(IServiceProvider services, HostedLoops loops, IOptions<KestrelTransportOptions> options) : IAsyncDisposable, IDisposable
{
    private readonly List<UnixEventLoop> _further = [];
    private IUnixEventLoop[]? _all;

    /// <summary>Kestrel binds one endpoint after the other.</summary>
    internal async ValueTask<IUnixEventLoop[]> StartAsync(CancellationToken cancellationToken)
    {
        if (_all is not null)
            return _all;
        UnixEventLoop main = services.GetRequiredService<UnixEventLoop>();
        while (_further.Count < options.Value.LoopCount - 1)
        {
            UnixEventLoop loop = LoopFactory.Create(services, Options.DefaultName, $"{main.Name}-{_further.Count + 2}");
            _further.Add(loop);
            await loops.StartAsync(loop, cancellationToken).ConfigureAwait(false);
        }
        return _all = [main, .. _further];
    }

    /// <summary>For a server that was disposed without a stop.</summary>
    public async ValueTask DisposeAsync() => await Task.WhenAll(_further.Select(static loop => loop.DisposeAsync().AsTask())).ConfigureAwait(false);

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();
}
