using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

// Constraints (linux.md, rules 23 and 24)
//  - bind(2) makes the file with 0777 less the umask, which is the whole process's. fchmod(2) before bind can only narrow that.
//    What is opened too wide for a moment may be connected to in that moment.
//  - A stream socket that is bound and does not listen refuses connect(2): until listen(2), the mode does not matter yet. A
//    datagram socket has no such gate.
//  - A file that stands there may be a server's that lives.
// Scheme
//  - Under the lock: make way (StaleSocket); bind with the owner's bits at most; take hold of the file by O_PATH; owner, group and
//    mode through that; compare. The caller listens, then releases the lock.
//  - Datagram sockets that are to have a mode or an owner, and names that don't fit into an address even behind /proc/self/fd: the
//    same in a directory that is ours alone, then a rename that replaces nothing (PrivateBinding). The kernel goes on calling such
//    a socket what it was called at its bind: who gets a datagram from it can't answer by that name. So a datagram socket of which
//    nothing is asked is bound in place.
internal static class SocketBinder
{
    /// <summary>A new socket, bound, not listening; the lock is held until <see cref="BoundSocket.ReleaseLock"/>.</summary>
    /// <param name="address">A path or an abstract name.</param>
    /// <param name="socketType">SOCK_STREAM or SOCK_DGRAM.</param>
    /// <param name="options">How the file is to be; nothing of it matters for an abstract name.</param>
    /// <param name="clock">For the waits.</param>
    /// <param name="cancellationToken">Ends the waits; nothing is left then.</param>
    /// <exception cref="IOException">The HResult is the errno; EADDRINUSE says by whom.</exception>
    internal static async ValueTask<BoundSocket> BindAsync(
        UnixSocketAddress address, int socketType, BindingOptions options, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (address.IsUnnamed)
            throw new ArgumentException("The unnamed address can't be bound.", nameof(address));
        if (address.IsAbstract)
            return BindAbstract(address, socketType);

        SocketPlace? place = SocketPlace.Open(address, options);
        SocketLock? held = null;
        UnixHandle? socket = null;
        try
        {
            held = await SocketLock.AcquireAsync(place, options.LockDirectory, clock, cancellationToken).ConfigureAwait(false);
            bool hasReplacedStale = await StaleSocket.ClearAsync(place, socketType, options.ReplaceStale, clock, cancellationToken).ConfigureAwait(false);
            socket = NewSocket(address, socketType);
            bool inPlace = socketType == SOCK_STREAM || options is { Mode: null, Owner: null, Group: null };
            byte[]? native = inPlace ? place.NativeName() : null;
            FileIdentity identity = native is null
                ? PrivateBinding.Bind(socket, place, options)
                : BindInPlace(socket, native, place, options);
            var bound = new BoundSocket(socket, new SocketFile(place, identity), held, hasReplacedStale);
            (place, held, socket) = (null, null, null);
            return bound;
        }
        finally
        {
            socket?.Dispose();
            held?.Dispose();
            place?.Dispose();
        }
    }

    /// <summary>Owner and mode of a file that has just been bound under <paramref name="name"/>; the proof that it is one, and ours.</summary>
    internal static FileIdentity TakeHold(UnixHandle directory, byte[] name, in BindingOptions options, UnixSocketAddress address)
    {
        PosixResult opened = Libc.OpenAt(directory.Descriptor, name, O_PATH | O_NOFOLLOW);
        BindErrors.ThrowIfError(opened, address, "the new socket can't be opened");
        using var file = new UnixHandle(opened.IntValue);
        BindErrors.ThrowIfError(Libc.Stat(file.Descriptor, [], out FileStatus status), address, "the new socket can't be examined");
        if (status.Type != Libc.SocketFile || status.Owner != Libc.EffectiveUser())
            throw BindErrors.InUse(address, "somebody has replaced the new socket's file");
        FileAccessRights.Set(file, options.Mode, options.Owner, options.Group, address, "the socket");
        return status.Identity;
    }

    /// <summary>Before bind(2), which takes what the umask leaves of it: the owner's part of the mode at most.</summary>
    internal static void Narrow(UnixHandle socket, in BindingOptions options, UnixSocketAddress address)
    {
        if (options.Mode is uint mode)
            BindErrors.ThrowIfError(Libc.ChangeMode(socket.Descriptor, mode & 0b110_000_000), address, "the socket can't be narrowed before its bind");
    }

    private static FileIdentity BindInPlace(UnixHandle socket, byte[] native, SocketPlace place, in BindingOptions options)
    {
        Narrow(socket, options, place.Address);
        PosixResult bound = Libc.Bind(socket.Descriptor, native);
        if (bound.Errno == EADDRINUSE)
            throw BindErrors.InUse(place.Address, "somebody has bound it meanwhile");
        BindErrors.ThrowIfError(bound, place.Address, "bind");
        // Without a descriptor: it must be known for the clean-up also where none is to be had.
        PosixResult examined = place.TryExamine(out FileStatus made);
        BindErrors.ThrowIfError(examined, place.Address, "the new socket is not where it was bound");
        try
        {
            FileIdentity held = TakeHold(place.Directory, place.Name, options, place.Address);
            return held == made.Identity ? held : throw BindErrors.InUse(place.Address, "somebody has replaced the new socket's file");
        }
        catch
        {
            new SocketFile(place, made.Identity).RemoveIfOurs();
            throw;
        }
    }

    private static BoundSocket BindAbstract(UnixSocketAddress address, int socketType)
    {
        UnixHandle socket = NewSocket(address, socketType);
        // Not a path: its bytes begin with the NUL, and none follows.
        PosixResult bound = Libc.Bind(socket.Descriptor, SocketPlace.Native([0, .. address.Bytes]).AsSpan(..^1));
        if (bound.IsSuccess)
            return new BoundSocket(socket, file: null, @lock: null, hasReplacedStale: false);
        socket.Dispose();
        throw bound.Errno == EADDRINUSE ? BindErrors.InUse(address, "another socket has this name") : BindErrors.Create(bound, address, "bind");
    }

    private static UnixHandle NewSocket(UnixSocketAddress address, int socketType)
    {
        PosixResult made = Libc.UnixSocket(socketType);
        BindErrors.ThrowIfError(made, address, "no socket");
        return new UnixHandle(made.IntValue);
    }
}
