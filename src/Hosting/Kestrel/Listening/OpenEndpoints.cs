using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace UnixLoop.Hosting.Kestrel.Listening;

/// <summary>
/// Once all endpoints are bound: a listener that says who may connect, and whose address no endpoint has, beside an endpoint that nobody has described. One
/// of the two has a wrong address, and the endpoint is open to those whom the listener would refuse: the start fails.
/// </summary>
internal sealed class OpenEndpoints(ListenerCatalog catalog) : IHostedLifecycleService
{
    public Task StartedAsync(CancellationToken cancellationToken) =>
        catalog.FindOpenEndpoint() is { } mistake
            ? throw new OptionsValidationException(Options.DefaultName, typeof(KestrelTransportOptions), [mistake])
            : Task.CompletedTask;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
