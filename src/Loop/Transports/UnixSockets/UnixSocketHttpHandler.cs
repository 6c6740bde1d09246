namespace UnixLoop.Transports;

/// <summary>HTTP over Unix sockets.</summary>
public static class UnixSocketHttpHandler
{
    /// <summary>
    /// A handler for <see cref="HttpClient"/>, and for gRPC channels (<c>GrpcChannelOptions.HttpHandler</c>), all of whose connections go to <paramref name="address"/>, whatever
    /// the host of the URL is: <c>new HttpClient(UnixSocketHttpHandler.Create(loop, address)) { BaseAddress = new Uri("http://localhost") }</c>.
    /// HTTP/2 without TLS needs a request of exactly that version (prior knowledge), as gRPC makes them.
    /// </summary>
    /// <param name="loop">A <see cref="UnixEventLoop"/>, which reads and writes.</param>
    /// <param name="address">Where the server listens.</param>
    /// <param name="options">How connections are made; null for the defaults.</param>
    /// <exception cref="ArgumentException">The loop is of another kind, the address has no name, or an option is out of its range.</exception>
    /// <returns>One without a proxy; all else may still be set. The caller, or its client, disposes it.</returns>
    public static SocketsHttpHandler Create(IUnixEventLoop loop, UnixSocketAddress address, UnixStreamConnectionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ArgumentNullException.ThrowIfNull(address);
        UnixStreamConnection.Check(loop, address, options);
        return new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (_, cancellationToken) =>
                (await UnixStreamConnection.ConnectAsync(loop, address, options, cancellationToken).ConfigureAwait(false)).AsStream(),
        };
    }
}
