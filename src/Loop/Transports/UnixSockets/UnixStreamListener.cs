using System.Diagnostics;
using System.Runtime.InteropServices;
using UnixLoop.Transports.UnixSockets;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports;

/// <summary>
/// A server on a Unix socket (asyncio: <c>create_unix_server</c>; unix(7)). Every member may be used from any thread. Connections
/// are taken one by one with <see cref="AcceptAsync"/>; those that nobody takes stay in the kernel's backlog.
/// </summary>
/// <remarks>
/// The listener does not keep accepted connections alive. One that is dropped without being closed counts as open until the garbage
/// collector has found it, which closes it with a warning (event 1505).
/// </remarks>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class UnixStreamListener : IAsyncDisposable
{
    /// <summary>How long <see cref="DisposeAsync"/> lets connections finish.</summary>
    internal static readonly TimeSpan DisposeGrace = TimeSpan.FromSeconds(5);

    /// <summary>How long it waits for aborted ones: an abort takes no time, but what was dropped has to wait for its finalizer.</summary>
    internal static readonly TimeSpan AbortGrace = TimeSpan.FromSeconds(1);

    private readonly UnixEventLoop _loop;
    private readonly Acceptor _acceptor;
    private readonly AcceptorReports _reports;
    private readonly AcceptedConnections _connections;
    private readonly int _backlog;

    private UnixStreamListener(
        UnixEventLoop loop, ListeningSocket socket, PeerFilter? filter, UnixStreamListenerOptions options, UnixEventLoop[] loops)
    {
        _loop = loop;
        LocalAddress = socket.Address;
        _backlog = options.Backlog;
        _reports = new AcceptorReports(loop, socket.Address);
        _acceptor = new Acceptor(loop, socket, filter, options.ConnectionLimit, _reports);
        _connections = new AcceptedConnections(_acceptor, _reports, loops, options.Connection, socket.Address);
    }

    /// <summary>Binds a path or an abstract name and, unless <see cref="UnixStreamListenerOptions.StartServing"/> says otherwise, serves: a client may connect when this returns.</summary>
    /// <remarks>
    /// The socket's file is removed when the listener closes, if it still is the one that was made here. A stale file, of a server
    /// that was killed, is replaced; to tell it from a living server's takes 100 ms.
    /// </remarks>
    /// <param name="loop">A <see cref="UnixEventLoop"/>, which tells of connections.</param>
    /// <param name="address">Where; not unnamed.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="cancellationToken">Ends the wait for another binder or for a stale socket's second look; nothing is left then.</param>
    /// <exception cref="IOException">bind(2), listen(2) or what belongs to it failed: the message names address and reason, the HResult is the errno. EADDRINUSE says who is there.</exception>
    /// <exception cref="ArgumentException">An option is out of its range, or names a user or group that does not exist.</exception>
    /// <exception cref="ObjectDisposedException">The loop has stopped.</exception>
    public static async Task<UnixStreamListener> BindAsync(
        IUnixEventLoop loop, UnixSocketAddress address, UnixStreamListenerOptions? options = null, CancellationToken cancellationToken = default)
    {
        UnixEventLoop ownLoop = Require(loop);
        ArgumentNullException.ThrowIfNull(address);
        options ??= new UnixStreamListenerOptions();
        options.Validate();
        PeerFilter? filter = PeerFilter.Create(options, address);
        BindingOptions binding = options.Binding();
        UnixEventLoop[] loops = LoopsOf(ownLoop, options);
        cancellationToken.ThrowIfCancellationRequested();
        BoundSocket bound = await SocketBinder.BindAsync(address, SOCK_STREAM, binding, ownLoop.Clock, cancellationToken).ConfigureAwait(false);
        return Start(ownLoop, ListeningSocket.Bound(bound, address), filter, options, loops, bound.HasReplacedStale);
    }

    /// <summary>
    /// Serves on a socket that somebody else has bound: inherited, activated or passed on. Its file is never removed, its permissions
    /// are not changed, and it is never shut down, since others may share it. O_NONBLOCK is set, which they see too (fcntl(2)).
    /// </summary>
    /// <param name="loop">A <see cref="UnixEventLoop"/>, which tells of connections.</param>
    /// <param name="socket">A bound AF_UNIX SOCK_STREAM socket, listening or not. The caller's until it has been found to be one; closed by the listener from then on, also when this throws.</param>
    /// <param name="options">Null for the defaults; what concerns binding does not apply, nor does the backlog to a socket that listens already.</param>
    /// <exception cref="ArgumentException">The handle is no such socket; the message says what it is.</exception>
    /// <exception cref="IOException">A call failed; the message names it.</exception>
    /// <exception cref="ObjectDisposedException">The loop has stopped, or the handle is closed.</exception>
    public static UnixStreamListener FromSocket(IUnixEventLoop loop, SafeHandle socket, UnixStreamListenerOptions? options = null)
    {
        UnixEventLoop ownLoop = Require(loop);
        options ??= new UnixStreamListenerOptions();
        options.Validate();
        UnixEventLoop[] loops = LoopsOf(ownLoop, options);
        ListeningSocket listening = ListeningSocket.HandedIn(socket);
        // The last that may be refused: from here on the socket is ours.
        PeerFilter? filter = PeerFilter.Create(options, listening.Address);
        try
        {
            HandedInSocket.SetNonBlocking(socket);
        }
        catch
        {
            listening.Dispose();
            throw;
        }
        return Start(ownLoop, listening, filter, options, loops, hasReplacedStale: false);
    }

    /// <summary>The address that was bound, as it was asked for; that of the socket itself where one was handed in.</summary>
    public UnixSocketAddress LocalAddress { get; }

    /// <summary>Whether it accepts connections: false before <see cref="StartServing"/> and after the close.</summary>
    public bool IsServing => _acceptor.IsServing;

    /// <summary>Listens, where <see cref="UnixStreamListenerOptions.StartServing"/> was false (asyncio: <c>Server.start_serving</c>). Again is harmless.</summary>
    /// <exception cref="ObjectDisposedException">The listener or the loop has ended.</exception>
    /// <exception cref="IOException">listen(2) failed, or the socket could not be registered.</exception>
    public void StartServing() => _acceptor.StartServing(_backlog);

    /// <summary>Takes the next connection, at once if there is one. Several calls may wait, and are served in order.</summary>
    /// <remarks>
    /// For want of descriptors or memory (EMFILE and the like) accepting pauses for 1 s, with a warning, and goes on. At the
    /// <see cref="UnixStreamListenerOptions.ConnectionLimit"/> it waits for a connection to end. Continues on the thread pool, or
    /// wherever the caller's context says.
    /// </remarks>
    /// <param name="cancellationToken">Ends the wait; no connection is lost by it.</param>
    /// <returns>The caller's to dispose; null once the listener is closed.</returns>
    /// <exception cref="IOException">The socket can't be accepted on any more, as when a process that shares it has shut it down. The listener is closed then.</exception>
    public async ValueTask<UnixStreamConnection?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _acceptor.AcceptAsync(cancellationToken).ConfigureAwait(false) is { } accepted)
        {
            if (_connections.TryStart(accepted) is { } connection)
                return connection;
        }
        return null;
    }

    /// <summary>
    /// Ends listening (asyncio: <c>Server.close</c>): the socket's file goes if it is still ours, new connections are refused, calls of
    /// <see cref="AcceptAsync"/> return null. Connections that were accepted live on. Idempotent.
    /// </summary>
    public void Close() => _acceptor.Close();

    /// <summary>Closes all accepted connections as their own <see cref="UnixStreamConnection.DisposeAsync"/> does, without waiting (asyncio: <c>Server.close_clients</c>).</summary>
    public void CloseClients() => _connections.CloseAll();

    /// <summary>Aborts all accepted connections: what is still queued for them is dropped (asyncio: <c>Server.abort_clients</c>).</summary>
    public void AbortClients() => _connections.AbortAll();

    /// <summary>Waits until the listener is closed and every accepted connection has ended, dropped ones included (asyncio: <c>Server.wait_closed</c>). Closes nothing itself.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task WaitClosedAsync(CancellationToken cancellationToken = default) => _acceptor.AllGone.WaitAsync(cancellationToken);

    /// <summary>
    /// Closes the listener and its connections; those that have not ended within 5 s are aborted. Whoever wants connections to live longer calls
    /// <see cref="Close"/> and <see cref="WaitClosedAsync"/>. Waits 6 s at most: connections that are left even then (dropped ones that the garbage collector has
    /// found and not yet finalized, say) are a warning (event 1528). May be called again.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        Close();
        _connections.CloseAll(forGood: true);
        try
        {
            await _acceptor.AllGone.WaitAsync(DisposeGrace, _loop.Clock).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            await AbortAllAsync().ConfigureAwait(false);
        }
    }

    private async Task AbortAllAsync()
    {
        _connections.AbortAll();
        try
        {
            await _acceptor.AllGone.WaitAsync(AbortGrace, _loop.Clock).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _reports.LeftOpen(_acceptor.Open);
        }
    }

    /// <summary>"UnixStreamListener '/run/app.sock' (serving, 3 connections)"; at any time.</summary>
    public override string ToString()
    {
        string state = _acceptor.IsClosed ? "closed" : IsServing ? "serving" : "bound";
        return $"{nameof(UnixStreamListener)} '{LocalAddress}' ({state}, {_acceptor.Open} connections)";
    }

    /// <summary>The socket is closed, and its file gone, if this fails.</summary>
    private static UnixStreamListener Start(
        UnixEventLoop loop, ListeningSocket socket, PeerFilter? filter, UnixStreamListenerOptions options, UnixEventLoop[] loops, bool hasReplacedStale)
    {
        try
        {
            var listener = new UnixStreamListener(loop, socket, filter, options, loops);
            listener._reports.Bound(hasReplacedStale);
            if (options.StartServing)
                listener.StartServing();
            return listener;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static UnixEventLoop[] LoopsOf(UnixEventLoop own, UnixStreamListenerOptions options) =>
        options.ConnectionLoops is { } loops ? [.. loops.Select(Require)] : [own];

    private static UnixEventLoop Require(IUnixEventLoop loop)
    {
        ArgumentNullException.ThrowIfNull(loop);
        return loop as UnixEventLoop ?? throw new ArgumentException($"{nameof(UnixStreamListener)} needs a {nameof(UnixEventLoop)}, not a {loop.GetType()}.", nameof(loop));
    }
}
