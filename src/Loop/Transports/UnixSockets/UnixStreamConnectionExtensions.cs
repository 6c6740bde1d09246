using System.Net.Security;
using UnixLoop.Transports.UnixSockets;

namespace UnixLoop.Transports;

/// <summary>Other shapes of a connection: a stream, and TLS over it.</summary>
public static class UnixStreamConnectionExtensions
{
    /// <summary>The connection as a stream. Use that alone from here on; disposing it closes the connection.</summary>
    /// <param name="connection">Neither read nor written meanwhile.</param>
    /// <returns>
    /// A stream for one reader and one writer at a time. Its blocking members throw on the loop's thread; <see cref="Stream.Dispose()"/> begins the close,
    /// DisposeAsync also waits for it.
    /// </returns>
    public static Stream AsStream(this UnixStreamConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return new ConnectionStream(connection);
    }

    /// <summary>Does the client's part of a TLS handshake (asyncio: <c>create_unix_connection(ssl=…)</c>).</summary>
    /// <param name="connection">Of which nothing has been read that belongs to TLS. It is the result's from here on; closed where this throws.</param>
    /// <param name="authentication">
    /// TargetHost is the name that the server's certificate has to have: a Unix socket has none of its own. An empty one asks for none, null is refused. Client certificates and
    /// the check of the server's go in here too.
    /// </param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="cancellationToken">Ends the handshake.</param>
    /// <exception cref="ArgumentException">TargetHost is null, or a timeout is out of its range; the connection is left as it was.</exception>
    /// <exception cref="System.Security.Authentication.AuthenticationException">The handshake failed: a certificate was not accepted, or the two sides have nothing in common.</exception>
    /// <exception cref="IOException">The connection was lost.</exception>
    /// <exception cref="TimeoutException">It took longer than <see cref="UnixTlsOptions.HandshakeTimeout"/>.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The connection has been disposed.</exception>
    public static Task<UnixTlsConnection> AuthenticateAsClientAsync(
        this UnixStreamConnection connection, SslClientAuthenticationOptions authentication, UnixTlsOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(authentication);
        if (authentication.TargetHost is null)
            throw new ArgumentException($"{nameof(authentication.TargetHost)} is null: name what the server's certificate has to say, or \"\" for nothing.", nameof(authentication));
        return UnixTlsConnection.HandshakeAsync(
            connection, (stream, token) => stream.AuthenticateAsClientAsync(authentication, token), options, cancellationToken);
    }

    /// <summary>Does the server's part of a TLS handshake (asyncio: <c>create_unix_server(ssl=…)</c>).</summary>
    /// <param name="connection">Of which nothing has been read. It is the result's from here on; closed where this throws.</param>
    /// <param name="authentication">The server's certificate; ClientCertificateRequired asks the client for one.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="cancellationToken">Ends the handshake.</param>
    /// <inheritdoc cref="AuthenticateAsClientAsync" path="/exception"/>
    public static Task<UnixTlsConnection> AuthenticateAsServerAsync(
        this UnixStreamConnection connection, SslServerAuthenticationOptions authentication, UnixTlsOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(authentication);
        return UnixTlsConnection.HandshakeAsync(
            connection, (stream, token) => stream.AuthenticateAsServerAsync(authentication, token), options, cancellationToken);
    }
}
