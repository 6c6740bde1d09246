using System.Diagnostics;
using System.Runtime.InteropServices;
using UnixLoop.Interop;
using UnixLoop.Transports.UnixSockets;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports;

/// <summary>
/// A Unix datagram socket on the loop (unix(7), SOCK_DGRAM; asyncio: <c>create_datagram_endpoint</c> with AF_UNIX): messages with
/// boundaries, in order, never lost on the way, from and to any number of peers. A receiver that is full holds its senders back.
/// </summary>
/// <remarks>
/// Every member may be called from any thread. Sends run side by side, in order for each destination; there is one receive at a
/// time. A call that has to wait allocates nothing once the first ones have.
/// </remarks>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class UnixDatagramSocket : IAsyncDisposable
{
    private readonly DatagramEngine _engine;

    /// <summary>On a throw the socket is closed, and its file gone.</summary>
    private UnixDatagramSocket(UnixEventLoop loop, SafeHandle socket, IDisposable owner, UnixDatagramSocketOptions options)
    {
        try
        {
            _engine = new DatagramEngine(loop, socket, owner, options);
        }
        catch
        {
            owner.Dispose();
            throw;
        }
    }

    /// <summary>Dropped without being disposed (asyncio: ResourceWarning). There is no engine where the construction has failed.</summary>
    ~UnixDatagramSocket() => _engine?.OnDropped();

    /// <summary>The name that was bound; <see cref="UnixSocketAddress.IsUnnamed"/> for none.</summary>
    public UnixSocketAddress LocalAddress => _engine.LocalAddress;

    /// <summary>The peer that <see cref="Connect"/> has chosen; null if there is none.</summary>
    public UnixSocketAddress? RemoteAddress => _engine.RemoteAddress;

    /// <summary>Makes a socket without a name: peers that get something from it can't answer, unless they are connected.</summary>
    /// <param name="loop">A <see cref="UnixEventLoop"/>, which waits for readiness.</param>
    /// <param name="options">Null for the defaults; what concerns a file does not apply.</param>
    /// <exception cref="ArgumentException">An option is out of its range, or the loop is of another kind.</exception>
    /// <exception cref="IOException">No descriptor could be had (socket(2)).</exception>
    public static UnixDatagramSocket Create(IUnixEventLoop loop, UnixDatagramSocketOptions? options = null)
    {
        (UnixEventLoop ownLoop, options) = Check(loop, options);
        UnixHandle socket = NewSocket();
        return new UnixDatagramSocket(ownLoop, socket, socket, options);
    }

    /// <summary>Makes a socket with a name in the abstract namespace that the kernel chooses, and that no other has (unix(7), "autobind"): for a client that wants answers.</summary>
    /// <inheritdoc cref="Create" path="/param|/exception"/>
    public static UnixDatagramSocket CreateAutoBound(IUnixEventLoop loop, UnixDatagramSocketOptions? options = null)
    {
        (UnixEventLoop ownLoop, options) = Check(loop, options);
        UnixHandle socket = NewSocket();
        UnixSocketAddress name;
        try
        {
            name = DatagramAddress.AutoBind(socket.Descriptor);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        UnixDatagramSocket made = new(ownLoop, socket, socket, options);
        made._engine.LocalAddress = name;
        return made;
    }

    /// <summary>
    /// Makes a socket and binds it. A file that a dead server has left at the path is replaced, one that is in use or no socket at
    /// all is EADDRINUSE; the file is removed at the end if it is still this socket's. "path.lock" beside it stays.
    /// </summary>
    /// <param name="loop">A <see cref="UnixEventLoop"/>, which waits for readiness.</param>
    /// <param name="address">A path, or a name in the abstract namespace.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="cancellationToken">Ends the wait for the lock; nothing is left then.</param>
    /// <exception cref="ArgumentException">An option is out of its range or names an unknown user or group, the address is unnamed, or the loop is of another kind.</exception>
    /// <exception cref="IOException">It can't be bound; the HResult is the errno, the message says why.</exception>
    public static async Task<UnixDatagramSocket> BindAsync(
        IUnixEventLoop loop, UnixSocketAddress address, UnixDatagramSocketOptions? options = null, CancellationToken cancellationToken = default)
    {
        (UnixEventLoop ownLoop, options) = Check(loop, options);
        ArgumentNullException.ThrowIfNull(address);
        var file = new BindingOptions(
            (uint?)options.Mode, AccountNumbers.User(options.Owner, nameof(options.Owner)), AccountNumbers.Group(options.Group, nameof(options.Group)),
            DirectoryMode: null, LockDirectory: null, ReplaceStale: true);
        cancellationToken.ThrowIfCancellationRequested();
        BoundSocket bound = await SocketBinder.BindAsync(address, SOCK_DGRAM, file, ownLoop.Clock, cancellationToken).ConfigureAwait(false);
        // A datagram socket is alive as soon as it is bound: others may look now.
        bound.ReleaseLock();
        UnixDatagramSocket made = new(ownLoop, bound.Socket, bound, options);
        made._engine.LocalAddress = address;
        return made;
    }

    /// <summary>Takes over a socket that somebody else has made: activated, inherited, received, one of a socketpair(2). Its file is never removed.</summary>
    /// <param name="loop">A <see cref="UnixEventLoop"/>, which waits for readiness.</param>
    /// <param name="socket">An AF_UNIX SOCK_DGRAM socket. The caller's until it has been found to be one, then this object's. O_NONBLOCK is neither needed nor set.</param>
    /// <param name="options">Null for the defaults; what concerns a file does not apply.</param>
    /// <exception cref="ArgumentException">The handle is no such socket, an option is out of its range, or the loop is of another kind.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    /// <exception cref="InvalidOperationException">The loop watches this descriptor already.</exception>
    public static UnixDatagramSocket FromSocket(IUnixEventLoop loop, SafeHandle socket, UnixDatagramSocketOptions? options = null)
    {
        (UnixEventLoop ownLoop, options) = Check(loop, options);
        (UnixSocketAddress local, UnixSocketAddress? remote) = HandedInDatagramSocket.Examine(socket);
        UnixDatagramSocket made = new(ownLoop, socket, socket, options);
        (made._engine.LocalAddress, made._engine.RemoteAddress) = (local, remote);
        return made;
    }

    /// <summary>
    /// Chooses the peer of <see cref="SendAsync"/>, and from then on receives from it alone (connect(2)); may be called again, for
    /// another or for one that has come back under its name. Does not wait. A datagram that still waits for room goes to the peer that it
    /// was sent to; if that has no name, as one of a socketpair(2) has none, its send fails with an <see cref="IOException"/>.
    /// </summary>
    /// <param name="peer">A bound datagram socket.</param>
    /// <exception cref="IOException">ECONNREFUSED: nobody has that socket any more; ENOENT: nobody has bound it; EPERM: it is connected to somebody else; EACCES: we may not write to it.</exception>
    /// <exception cref="ObjectDisposedException">The socket is closed.</exception>
    public void Connect(UnixSocketAddress peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        _engine.Connect(peer);
    }

    /// <summary>Sends one datagram to the connected peer; waits while that has no room.</summary>
    /// <param name="data">All of it is one datagram; it may be empty. Not to be changed before the end.</param>
    /// <param name="cancellationToken">Ends the wait; the datagram has then not been sent.</param>
    /// <returns>Ends when the kernel has it, in the receiver's queue.</returns>
    /// <exception cref="InvalidOperationException">The socket is not connected.</exception>
    /// <exception cref="IOException">ECONNREFUSED: the peer has closed its socket (and <see cref="Connect"/> finds one that has come back); EMSGSIZE: it is larger than the send buffer.</exception>
    /// <exception cref="ObjectDisposedException">The socket is closed, or was while the call waited.</exception>
    public ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default)
    {
        ThrowIfNotConnected();
        return _engine.Sender.SendAsync(this, data, descriptors: null, destination: null, cancellationToken);
    }

    /// <summary>Sends one datagram to <paramref name="destination"/>; waits while that has no room, without holding up sends to others.</summary>
    /// <param name="data">All of it is one datagram; it may be empty. Not to be changed before the end.</param>
    /// <param name="destination">A bound datagram socket.</param>
    /// <param name="cancellationToken">Ends the wait; the datagram has then not been sent.</param>
    /// <returns>Ends when the kernel has it, in the receiver's queue.</returns>
    /// <exception cref="IOException">ECONNREFUSED, ENOENT: nobody has that socket; EPERM: it is connected to somebody else; EACCES: we may not write to it; EMSGSIZE: larger than the send buffer.</exception>
    /// <exception cref="ObjectDisposedException">The socket is closed, or was while the call waited.</exception>
    public ValueTask SendToAsync(ReadOnlyMemory<byte> data, UnixSocketAddress destination, CancellationToken cancellationToken = default)
    {
        ThrowIfNoDestination(destination);
        return _engine.Sender.SendAsync(this, data, descriptors: null, destination, cancellationToken);
    }

    /// <summary>Sends one datagram with descriptors (unix(7), SCM_RIGHTS): the receiver gets duplicates of them.</summary>
    /// <param name="data">The bytes beside them; they may be none.</param>
    /// <param name="descriptors">1 to 253. Borrowed until the end; they stay the caller's.</param>
    /// <param name="destination">Null for the connected peer.</param>
    /// <param name="cancellationToken">Ends the wait; the datagram has then not been sent.</param>
    /// <exception cref="ArgumentException">No descriptors, more than 253 (SCM_MAX_FD), or one that is null or invalid.</exception>
    /// <exception cref="InvalidOperationException">There is no destination and the socket is not connected.</exception>
    /// <exception cref="IOException">As <see cref="SendToAsync"/>; ETOOMANYREFS: this user has as many descriptors under way as it may open (RLIMIT_NOFILE).</exception>
    /// <exception cref="ObjectDisposedException">The socket is closed, or was while the call waited, or a handle is.</exception>
    public ValueTask SendDescriptorsAsync(
        ReadOnlyMemory<byte> data, IReadOnlyList<SafeHandle> descriptors, UnixSocketAddress? destination = null, CancellationToken cancellationToken = default)
    {
        if (destination is null)
            ThrowIfNotConnected();
        else
            ThrowIfNoDestination(destination);
        return _engine.Sender.SendAsync(this, data, new BorrowedDescriptors(descriptors), destination, cancellationToken);
    }

    /// <summary>Sends one datagram now, or not at all.</summary>
    /// <param name="data">All of it is one datagram; it may be empty.</param>
    /// <param name="destination">Null for the connected peer.</param>
    /// <returns>False if there is no room now (EAGAIN), or other sends wait for it.</returns>
    /// <exception cref="InvalidOperationException">There is no destination and the socket is not connected.</exception>
    /// <inheritdoc cref="SendToAsync" path="/exception"/>
    public bool TrySend(ReadOnlySpan<byte> data, UnixSocketAddress? destination = null)
    {
        if (destination is null)
            ThrowIfNotConnected();
        else
            ThrowIfNoDestination(destination);
        return _engine.Sender.TrySend(data, destination);
    }

    /// <summary>Takes one datagram; waits for it.</summary>
    /// <param name="buffer">What does not fit is lost; <see cref="UnixDatagramReceiveResult.IsTruncated"/> tells.</param>
    /// <param name="cancellationToken">Ends the wait; no datagram is lost by that.</param>
    /// <exception cref="InvalidOperationException">Another receive has not been awaited yet.</exception>
    /// <exception cref="IOException">recvmsg(2) failed; the message names the errno. ECONNRESET: the connected peer has connected elsewhere, and what it had not read is lost; EINVAL: a process that shares the socket has shut it down.</exception>
    /// <exception cref="ObjectDisposedException">The socket is closed, or was while the call waited.</exception>
    public ValueTask<UnixDatagramReceiveResult> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _engine.Receiver.ReceiveAsync(this, buffer, cancellationToken);

    /// <summary>Takes one datagram if one is there.</summary>
    /// <param name="buffer">What does not fit is lost; <see cref="UnixDatagramReceiveResult.IsTruncated"/> tells.</param>
    /// <param name="result">The datagram.</param>
    /// <returns>False if there is none now.</returns>
    /// <inheritdoc cref="ReceiveAsync" path="/exception"/>
    public bool TryReceive(Span<byte> buffer, out UnixDatagramReceiveResult result) => _engine.Receiver.TryReceive(buffer, out result);

    /// <summary>Closes the socket and removes its file if that is still its own; calls that wait end with <see cref="ObjectDisposedException"/>. Idempotent.</summary>
    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        _engine.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>"UnixDatagramSocket '/run/app/log' → '/dev/log' (open)".</summary>
    public override string ToString() => _engine.ToString();

    internal static ObjectDisposedException Closed() => new(nameof(UnixDatagramSocket));

    private void ThrowIfNotConnected()
    {
        if (_engine.RemoteAddress is null)
            throw new InvalidOperationException($"{this} is not connected: call {nameof(Connect)} first, or name a destination.");
    }

    private static void ThrowIfNoDestination(UnixSocketAddress destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (destination.IsUnnamed)
            throw new ArgumentException("The unnamed address can't be sent to: who wants answers has to bind a name.", nameof(destination));
    }

    private static UnixHandle NewSocket() => new(PosixError.ThrowIfError(Libc.UnixSocket(SOCK_DGRAM), "socket"));

    private static (UnixEventLoop Loop, UnixDatagramSocketOptions Options) Check(IUnixEventLoop loop, UnixDatagramSocketOptions? options)
    {
        ArgumentNullException.ThrowIfNull(loop);
        options ??= new UnixDatagramSocketOptions();
        options.Validate();
        return (loop as UnixEventLoop
            ?? throw new ArgumentException($"{nameof(UnixDatagramSocket)} needs a {nameof(UnixEventLoop)}, not a {loop.GetType()}.", nameof(loop)), options);
    }
}
