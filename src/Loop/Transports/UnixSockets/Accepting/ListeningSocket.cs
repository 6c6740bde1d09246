using System.Runtime.InteropServices;
using Tmds.Linux;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>What an acceptor listens on: a socket that we have bound, or one that was handed in.</summary>
internal sealed class ListeningSocket : IDisposable
{
    private readonly BoundSocket? _bound;
    private readonly bool _listensAlready;

    private ListeningSocket(SafeHandle handle, UnixSocketAddress address, BoundSocket? bound, bool listensAlready)
    {
        Handle = handle;
        Address = address;
        _bound = bound;
        _listensAlready = listensAlready;
    }

    internal SafeHandle Handle { get; }

    internal UnixSocketAddress Address { get; }

    internal int Descriptor => (int)Handle.DangerousGetHandle();

    internal static ListeningSocket Bound(BoundSocket socket, UnixSocketAddress address) => new(socket.Socket, address, socket, listensAlready: false);

    /// <summary>Never unlinked. Until it has been examined it stays the caller's; from then on it is ours.</summary>
    /// <exception cref="ArgumentException">It is no bound Unix stream socket; the message says what it is.</exception>
    internal static ListeningSocket HandedIn(SafeHandle socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        if (socket.IsInvalid)
            throw new ArgumentException("The handle holds no descriptor.", nameof(socket));
        bool borrowed = false;
        try
        {
            socket.DangerousAddRef(ref borrowed);
            (UnixSocketAddress address, bool listens) = Examine((int)socket.DangerousGetHandle());
            return new ListeningSocket(socket, address, bound: null, listens);
        }
        finally
        {
            if (borrowed)
                socket.DangerousRelease();
        }
    }

    private static (UnixSocketAddress Address, bool Listens) Examine(int descriptor)
    {
        PosixResult domain = Libc.GetSocketOption(descriptor, SO_DOMAIN);
        if (domain.Errno == ENOTSOCK)
            throw new ArgumentException($"Descriptor {descriptor} is no socket.");
        if (PosixError.ThrowIfError(domain, "getsockopt SO_DOMAIN") != AF_UNIX)
            throw new ArgumentException($"Descriptor {descriptor} is a socket of address family {domain.IntValue}, not AF_UNIX.");
        // SOCK_NONBLOCK and the like are never part of it.
        int type = PosixError.ThrowIfError(Libc.GetSocketOption(descriptor, SO_TYPE), "getsockopt SO_TYPE");
        if (type != SOCK_STREAM)
            throw new ArgumentException($"Descriptor {descriptor} is a Unix socket of type {(type == SOCK_DGRAM ? "SOCK_DGRAM" : $"{type}")}, not SOCK_STREAM.");
        bool listens = PosixError.ThrowIfError(Libc.GetSocketOption(descriptor, SO_ACCEPTCONN), "getsockopt SO_ACCEPTCONN") != 0;

        Span<byte> name = stackalloc byte[NativeAddress.MaxLength];
        if (!listens && Libc.GetPeerName(descriptor, name).IsSuccess)
            throw new ArgumentException($"Descriptor {descriptor} is a connected socket: it can't listen.");
        UnixSocketAddress address = NativeAddress.Read(name, PosixError.ThrowIfError(Libc.GetSocketName(descriptor, name), "getsockname"));
        if (address.IsUnnamed)
            throw new ArgumentException($"Descriptor {descriptor} is a socket that is not bound to any address.");
        return (address, listens);
    }

    /// <summary>listen(2), unless whoever handed it in has done that, with a backlog of his own; then others may look whether it is alive.</summary>
    internal void Listen(int backlog)
    {
        if (!_listensAlready)
            PosixError.ThrowIfError(Libc.Listen(Descriptor, backlog), $"listen on '{Address}'");
        _bound?.ReleaseLock();
    }

    /// <summary>Whether poll(2) tells of a shutdown(2); false for a socket that is closed meanwhile.</summary>
    internal unsafe bool IsShutDown()
    {
        bool borrowed = false;
        try
        {
            Handle.DangerousAddRef(ref borrowed);
            pollfd look = new() { fd = Descriptor, events = (short)(POLLIN | POLLRDHUP) };
            return Libc.Poll(&look, 1, 0).Value == 1 && (look.revents & (POLLHUP | POLLRDHUP)) != 0;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
        finally
        {
            if (borrowed)
                Handle.DangerousRelease();
        }
    }

    /// <summary>Never shutdown(2), which would end it for every process that shares it (linux.md, rule 25).</summary>
    public void Dispose()
    {
        _bound?.Dispose();
        Handle.Dispose();
    }
}
