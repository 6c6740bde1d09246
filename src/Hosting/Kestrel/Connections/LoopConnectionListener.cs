using System.Buffers;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using UnixLoop.Transports;

namespace UnixLoop.Hosting.Kestrel.Connections;

internal sealed class LoopConnectionListener(UnixStreamListener listener, EndPoint endPoint, MemoryPool<byte> memory, ILogger logger) : IConnectionListener
{
    public EndPoint EndPoint => endPoint;

    /// <summary>Null once it is unbound.</summary>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await listener.AcceptAsync(cancellationToken).ConfigureAwait(false) is { } connection ? new LoopConnectionContext(connection, endPoint, memory) : null;

    /// <summary>New clients are refused, and the file is gone; connections live on.</summary>
    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        listener.Close();
        return default;
    }

    /// <summary>Kestrel has awaited its connections by then, and aborted what was left: who still is there is on a loop that a callback holds.</summary>
    public async ValueTask DisposeAsync()
    {
        Task disposed = listener.DisposeAsync().AsTask();
        await disposed.WaitAsync(HostedLoops.LateStopBound, TimeProvider.System).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (disposed.IsCompleted)
            await disposed.ConfigureAwait(false);
        else
            KestrelLog.ConnectionsLeft(logger, listener.LocalAddress.ToString());
    }
}
