using System.Diagnostics;
using System.IO.Pipelines;
using System.Net.Security;
using UnixLoop.Transports.UnixSockets;

namespace UnixLoop.Transports;

/// <summary>
/// TLS over a <see cref="UnixStreamConnection"/>, made by <see cref="UnixStreamConnectionExtensions.AuthenticateAsClientAsync"/> and
/// <see cref="UnixStreamConnectionExtensions.AuthenticateAsServerAsync"/>. Used through <see cref="Stream"/> or through the two pipes, not both.
/// </summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class UnixTlsConnection : IDuplexPipe, IAsyncDisposable
{
    private readonly UnixTlsOptions _options;
    private readonly Lazy<PipeReader> _input;
    private readonly Lazy<TlsWriter> _output;
    private int _isDisposed;

    private UnixTlsConnection(UnixStreamConnection connection, SslStream stream, UnixTlsOptions options)
    {
        (Connection, Stream, _options) = (connection, stream, options);
        _input = new Lazy<PipeReader>(() => PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true)));
        _output = new Lazy<TlsWriter>(() => new TlsWriter(PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true))));
    }

    /// <summary>The connection below: for its addresses, credentials and statistics, and to abort it. Not to be read or written.</summary>
    public UnixStreamConnection Connection { get; }

    /// <summary>The plain bytes; also the peer's certificate, protocol and cipher.</summary>
    public SslStream Stream { get; }

    /// <summary>The plain bytes from the peer.</summary>
    public PipeReader Input => _input.Value;

    /// <summary>The plain bytes to the peer. Completing it flushes; the end is said by <see cref="DisposeAsync"/>, since TLS has no half-close here. One flush at a time.</summary>
    public PipeWriter Output => _output.Value;

    internal static async Task<UnixTlsConnection> HandshakeAsync(
        UnixStreamConnection connection, Func<SslStream, CancellationToken, Task> authenticate, UnixTlsOptions? options, CancellationToken cancellationToken)
    {
        options ??= new UnixTlsOptions();
        options.Validate();
        ObjectDisposedException.ThrowIf(connection.IsDisposed, connection);
        var stream = new SslStream(connection.AsStream(), leaveInnerStreamOpen: true);
        try
        {
            using var timeout = new CancellationTokenSource(options.HandshakeTimeout, connection.Loop.Clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
            try
            {
                await authenticate(stream, either.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                throw new OperationCanceledException(cancellationToken);
            }
            catch (OperationCanceledException e) when (timeout.IsCancellationRequested)
            {
                throw new TimeoutException($"The TLS handshake with {connection.RemoteAddress} took longer than {options.HandshakeTimeout}.", e);
            }
            return new UnixTlsConnection(connection, stream, options);
        }
        catch (Exception e)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            // Gracefully where an alert may still be on its way that tells the peer why.
            if (e is System.Security.Authentication.AuthenticationException)
                await connection.DisposeAsync().ConfigureAwait(false);
            else
                connection.Abort(e);
            throw;
        }
    }

    /// <summary>Tells the peer of the end (close_notify) within <see cref="UnixTlsOptions.ShutdownTimeout"/>, then closes the connection. Never throws; idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        try
        {
            await ShutDownAsync().WaitAsync(_options.ShutdownTimeout, Connection.Loop.Clock).ConfigureAwait(false);
        }
        catch (InvalidOperationException)
        {
            // The stream has been shut down, or disposed, by its user: what that has left in the queue is still sent.
        }
        catch (Exception e)
        {
            // The peer has gone, or does not read: nobody is left to be told.
            Connection.Abort(e);
        }
        await Connection.DisposeAsync().ConfigureAwait(false);
        await Stream.DisposeAsync().ConfigureAwait(false);
    }

    private async Task ShutDownAsync()
    {
        if (_output.IsValueCreated)
            await _output.Value.CloseAsync().ConfigureAwait(false);
        await Stream.ShutdownAsync().ConfigureAwait(false);
    }

    /// <summary>"TLS 1.3 over UnixStreamConnection …".</summary>
    public override string ToString() => $"TLS over {Connection}";
}
