using Microsoft.Extensions.Hosting;

namespace UnixLoop.Hosting;

/// <summary>The host's lifetime: signals stop it, with time to drain before and a forced exit behind.</summary>
public sealed class UnixHostLifetime : IHostLifetime, IDisposable
{
    internal UnixHostLifetime() => throw new NotImplementedException();

    /// <summary>Takes over TERM, INT and QUIT.</summary>
    /// <param name="cancellationToken">Cancelled when the start is.</param>
    public Task WaitForStartAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Does nothing: the signals stay ours until the lifetime is disposed.</summary>
    /// <param name="cancellationToken">Unused.</param>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Gives the signals back.</summary>
    public void Dispose() => throw new NotImplementedException();
}
