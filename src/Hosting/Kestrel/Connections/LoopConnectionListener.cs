using System.Buffers;
using System.Net;
using Microsoft.AspNetCore.Connections;
using UnixLoop.Transports;

namespace UnixLoop.Hosting.Kestrel.Connections;

internal sealed class LoopConnectionListener(UnixStreamListener listener, EndPoint endPoint, MemoryPool<byte> memory) : IConnectionListener
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

    /// <summary>Kestrel has ended its connections by then.</summary>
    public ValueTask DisposeAsync() => listener.DisposeAsync();
}
