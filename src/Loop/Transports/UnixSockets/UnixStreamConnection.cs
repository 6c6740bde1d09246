using System.Diagnostics;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using UnixLoop.Interop;
using UnixLoop.Transports.UnixSockets;

namespace UnixLoop.Transports;

/// <summary>
/// A connected Unix stream socket on an event loop (asyncio: <c>create_unix_connection</c>, and what <c>create_unix_server</c> hands out).
/// The loop reads ahead, up to a water mark; a flush sends from the caller's own thread, and what the socket does not take
/// waits for the loop.
/// </summary>
/// <remarks>
/// Each of <see cref="Input"/> and <see cref="Output"/> may be used by one thread at a time, both at once; everything else by any thread. What was
/// read before an error or an end is still delivered, then comes the error.
/// </remarks>
[DebuggerDisplay("{ToString(),nq}")]
public sealed partial class UnixStreamConnection : IDuplexPipe, IAsyncDisposable
{
    private readonly SocketInput _input;
    private readonly SocketOutput _output;
    private readonly SafeHandle _socket;
    private readonly ILogger _logger;
    private readonly SocketMetrics _metrics;
    private readonly UnixStreamConnectionOptions _options;
    private readonly IConnectionOwner? _owner;
    private readonly ConnectionAnchor _anchor;
    private readonly DateTimeOffset _connectedAt;
    private readonly long _connectedTimestamp;

    /// <summary>Where it was made; in the loop's debug mode alone.</summary>
    private readonly string? _creation;

    /// <summary>Nothing is read before <see cref="Start"/>.</summary>
    /// <param name="loop">Reads, and writes what has to wait.</param>
    /// <param name="socket">Connected, non-blocking, SOCK_STREAM of AF_UNIX; owned from here on.</param>
    /// <param name="local">Its own address.</param>
    /// <param name="remote">The peer's.</param>
    /// <param name="options">Validated.</param>
    /// <param name="owner">Told of the end.</param>
    internal UnixStreamConnection(
        UnixEventLoop loop, SafeHandle socket, UnixSocketAddress local, UnixSocketAddress remote,
        UnixStreamConnectionOptions options, IConnectionOwner? owner)
    {
        Loop = loop;
        LocalAddress = local;
        RemoteAddress = remote;
        Descriptor = (int)socket.DangerousGetHandle();
        _socket = socket;
        _options = options;
        _owner = owner;
        _logger = new ForgivingLogger(loop.LoggerFactory.CreateLogger<UnixStreamConnection>());
        _metrics = SocketMetrics.Of(loop);
        _anchor = new ConnectionAnchor(this, socket, owner, _metrics, _logger);
        _connectedAt = loop.Clock.GetUtcNow();
        _connectedTimestamp = loop.Clock.GetTimestamp();
        _creation = loop.IsDebug ? Environment.StackTrace : null;
        _descriptors = options.MaxDescriptors > 0 ? new ConnectionDescriptors(options.MaxDescriptors) : null;
        _input = new SocketInput(this, options) { Receiver = _descriptors };
        _output = new SocketOutput(this, options);
    }

    /// <summary>
    /// What the peer has sent. At its end a read has <see cref="ReadResult.IsCompleted"/> set. Completing the reader makes the peer's
    /// further writes fail (shutdown(2), SHUT_RD).
    /// </summary>
    /// <remarks>A read fails with <see cref="IOException"/> (ECONNRESET: the peer closed with unread data of ours), and after an abort with its reason.</remarks>
    public PipeReader Input => _input;

    /// <summary>
    /// To the peer. Completing it sends what was written, then the end (shutdown(2), SHUT_WR): the peer may go on sending.
    /// <see cref="PipeWriter.CompleteAsync"/> ends when the socket has taken everything. Completing it with an exception aborts the connection.
    /// </summary>
    /// <remarks>
    /// A flush fails with <see cref="IOException"/> (EPIPE: the peer reads no more) when bytes could not be sent; with none to send it has
    /// <see cref="FlushResult.IsCompleted"/> set. What was flushed may be sent later: an error other than EPIPE and ECONNRESET (ENOBUFS, ENOMEM) ends the connection, so
    /// that a read, and the peer, are told of it too.
    /// </remarks>
    public PipeWriter Output => _output;

    /// <summary>Our own address; of a client as a rule unnamed.</summary>
    public UnixSocketAddress LocalAddress { get; }

    /// <summary>The peer's address; that of a client is as a rule unnamed.</summary>
    public UnixSocketAddress RemoteAddress { get; }

    internal UnixEventLoop Loop { get; }

    internal ConnectionAnchor Anchor => _anchor;

    /// <summary>Valid until both directions are over; each uses it under its own lock, and only while it is not.</summary>
    internal int Descriptor { get; }

    /// <summary>The owner; borrow it for calls of your own: it is closed when both directions are over.</summary>
    internal SafeHandle Socket => _socket;

    /// <summary>Connects to a listening socket (asyncio: <c>create_unix_connection(path=…)</c>).</summary>
    /// <param name="loop">A <see cref="UnixEventLoop"/>.</param>
    /// <param name="address">Where; not the unnamed address.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="cancellationToken">Ends the wait for a listener whose queue is full; the socket is closed then.</param>
    /// <exception cref="ArgumentException">The loop is of another kind, the address has no name, or an option is out of its range.</exception>
    /// <exception cref="IOException">connect(2) failed: nobody listens (ECONNREFUSED), no such file (ENOENT), no right to (EACCES) and the like; the message names the address and the errno, which is also the HResult.</exception>
    /// <exception cref="ObjectDisposedException">The loop has ended.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static async Task<UnixStreamConnection> ConnectAsync(
        IUnixEventLoop loop, UnixSocketAddress address, UnixStreamConnectionOptions? options = null, CancellationToken cancellationToken = default)
    {
        UnixEventLoop unixLoop = Check(loop, address, options);
        options ??= UnixStreamConnectionOptions.Default;
        if (unixLoop.HasEnded)
            throw new ObjectDisposedException(nameof(UnixEventLoop), $"The event loop '{unixLoop.Name}' has stopped: nothing can be connected to {address}.");

        UnixHandle socket = await SocketConnector.ConnectAsync(unixLoop, address, cancellationToken).ConfigureAwait(false);
        return Adopt(unixLoop, socket, UnixSocketAddress.Unnamed, address, options, owner: null);
    }

    /// <summary>Takes a connected socket that was made elsewhere (asyncio: <c>create_unix_connection(sock=…)</c>).</summary>
    /// <param name="loop">A <see cref="UnixEventLoop"/>.</param>
    /// <param name="socket">
    /// A connected SOCK_STREAM of AF_UNIX. The caller's if it is refused; once it has been found good it is the connection's, which closes it. O_NONBLOCK is set on it,
    /// which every holder of a duplicate shares.
    /// </param>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="ArgumentException">The loop is of another kind, an option is out of its range, or the socket is no connected Unix stream socket; the message says what it is.</exception>
    /// <exception cref="IOException">fcntl(2) or epoll_ctl(2) failed; the socket is closed.</exception>
    /// <exception cref="ObjectDisposedException">The loop has ended, which closes the socket, or the handle is closed.</exception>
    public static UnixStreamConnection FromSocket(IUnixEventLoop loop, SafeHandle socket, UnixStreamConnectionOptions? options = null)
    {
        UnixEventLoop unixLoop = CheckLoop(loop);
        ArgumentNullException.ThrowIfNull(socket);
        options ??= UnixStreamConnectionOptions.Default;
        options.Validate();
        (UnixSocketAddress local, UnixSocketAddress remote) = HandedInSocket.CheckConnected(socket, nameof(socket));
        try
        {
            HandedInSocket.SetNonBlocking(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        return Adopt(unixLoop, socket, local, remote, options, owner: null);
    }

    /// <summary>Makes a connection of a socket and registers it, from any thread. On a throw the socket is closed.</summary>
    internal static UnixStreamConnection Adopt(
        UnixEventLoop loop, SafeHandle socket, UnixSocketAddress local, UnixSocketAddress remote,
        UnixStreamConnectionOptions options, IConnectionOwner? owner)
    {
        UnixStreamConnection connection;
        try
        {
            connection = new UnixStreamConnection(loop, socket, local, remote, options, owner);
        }
        catch
        {
            socket.Dispose(); // a log provider may throw where a logger is made
            throw;
        }
        connection.Start();
        return connection;
    }

    /// <summary>"UnixStreamConnection to /run/app.sock (descriptor 12, reading, 0 bytes in, 0 bytes out)"; from any thread, also after the end.</summary>
    public override string ToString() =>
        $"{nameof(UnixStreamConnection)} {(RemoteAddress.IsUnnamed && !LocalAddress.IsUnnamed ? $"at {LocalAddress}" : $"to {RemoteAddress}")} "
        + $"(descriptor {Descriptor}, {StateName}, {_input.Buffered} bytes in, {_output.Queued} bytes out)";

    /// <summary>What a connect is refused for before anything is made.</summary>
    internal static UnixEventLoop Check(IUnixEventLoop loop, UnixSocketAddress address, UnixStreamConnectionOptions? options)
    {
        UnixEventLoop unixLoop = CheckLoop(loop);
        ArgumentNullException.ThrowIfNull(address);
        if (address.IsUnnamed)
            throw new ArgumentException("The address has no name to connect to.", nameof(address));
        options?.Validate();
        return unixLoop;
    }

    private static UnixEventLoop CheckLoop(IUnixEventLoop loop)
    {
        ArgumentNullException.ThrowIfNull(loop);
        return loop as UnixEventLoop
            ?? throw new ArgumentException($"{nameof(UnixStreamConnection)} needs a {nameof(UnixEventLoop)}, not a {loop.GetType()}.", nameof(loop));
    }
}
