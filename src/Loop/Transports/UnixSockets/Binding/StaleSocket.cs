using System.Text;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

// A socket's file outlives a server that was killed, and then stands in the way of bind(2); but the file of a server that lives
// must not be removed: it would go on, and nobody would reach it (linux.md, rule 24).
// The kernel tells the two apart by connect(2) alone. ECONNREFUSED means that no socket listens behind the file: twice, with a
// pause for a server that has bound and not yet listened and that knows nothing of our lock. All else means that somebody is
// there, also EAGAIN (its backlog is full), EACCES and EPROTOTYPE.
// Not promised: between the last look and unlinkat(2), which knows names alone, a program that ignores the lock may put a socket
// of its own there, which is then removed.
internal static class StaleSocket
{
    internal static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>How often a file may be replaced by another while we look.</summary>
    private const int MostChanges = 10;

    /// <summary>Called between the last probe and the removal; tests alone set it.</summary>
    internal static Action<SocketPlace>? BeforeRemoval { get; set; }

    /// <summary>Makes way for a bind: there is nothing at the place afterwards, or this throws EADDRINUSE. Under the lock.</summary>
    /// <param name="place">Where.</param>
    /// <param name="socketType">SOCK_STREAM, SOCK_DGRAM.</param>
    /// <param name="replace">Whether a stale socket is removed.</param>
    /// <param name="clock">Waits with it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether a stale socket was removed.</returns>
    internal static async ValueTask<bool> ClearAsync(
        SocketPlace place, int socketType, bool replace, TimeProvider clock, CancellationToken cancellationToken)
    {
        for (int i = 0; i < MostChanges; i++)
        {
            if (!TryExamine(place, replace, out FileStatus found))
                return false;
            Answer first = Probe(place, found.Identity, socketType);
            if (first == Answer.Refused)
            {
                await Task.Delay(Pause, clock, cancellationToken).ConfigureAwait(false);
                if (Probe(place, found.Identity, socketType) == Answer.Refused && TryRemove(place, found.Identity))
                    return true;
            }
        }
        throw BindErrors.InUse(place.Address, "its file is replaced all the time");
    }

    /// <summary>False if there is nothing; throws for what may not be removed anyway.</summary>
    private static bool TryExamine(SocketPlace place, bool replace, out FileStatus found)
    {
        PosixResult examined = place.TryExamine(out found);
        if (examined.Errno == ENOENT)
            return false;
        BindErrors.ThrowIfError(examined, place.Address, "what is there can't be examined");
        if (found.Type != Libc.SocketFile)
            throw BindErrors.InUse(place.Address, "there is a file that is no socket; it is left alone");
        if (!replace)
            throw BindErrors.InUse(place.Address, "there is a socket already");
        if (found.Owner != 0 && found.Owner != Libc.EffectiveUser())
            throw BindErrors.InUse(place.Address, $"there is a socket of user {found.Owner}; only our own user's and root's are replaced");
        return true;
    }

    /// <summary>Whether somebody listens; throws EADDRINUSE if so.</summary>
    private static Answer Probe(SocketPlace place, FileIdentity identity, int socketType)
    {
        PosixResult opened = Libc.OpenAt(place.Directory.Descriptor, place.Name, O_PATH | O_NOFOLLOW);
        if (opened.Errno == ENOENT)
            return Answer.Changed;
        BindErrors.ThrowIfError(opened, place.Address, "the socket there can't be opened");
        using var file = new UnixHandle(opened.IntValue);
        BindErrors.ThrowIfError(Libc.Stat(file.Descriptor, [], out FileStatus status), place.Address, "what is there can't be examined");
        if (status.Identity != identity)
            return Answer.Changed;

        PosixResult made = Libc.UnixSocket(socketType);
        BindErrors.ThrowIfError(made, place.Address, "no socket to ask with whether it is in use");
        using var socket = new UnixHandle(made.IntValue);
        // Through the descriptor: this very file is asked, whatever stands at the path by now.
        PosixResult connected = Libc.Connect(socket.Descriptor, SocketPlace.Native(Encoding.ASCII.GetBytes($"/proc/self/fd/{file.Descriptor}")));
        if (connected.Errno == ECONNREFUSED)
            return Answer.Refused;
        throw BindErrors.InUse(place.Address, connected.IsSuccess ? Listener(socket) : $"the socket there is alive ({PosixError.Name(connected.Errno)})");
    }

    private static string Listener(UnixHandle socket)
    {
        bool known = Libc.PeerCredentials(socket.Descriptor, out Libc.ucred peer).IsSuccess && peer.pid != 0;
        return !known ? "a server listens there"
            : peer.pid == Environment.ProcessId ? "this process listens there"
            : $"a server listens there (process {peer.pid} called listen)";
    }

    /// <summary>False if something else is there now.</summary>
    private static bool TryRemove(SocketPlace place, FileIdentity identity)
    {
        BeforeRemoval?.Invoke(place);
        PosixResult examined = place.TryExamine(out FileStatus status);
        if (examined.Errno == ENOENT)
            return true;
        if (examined.IsSuccess && status.Identity != identity)
            return false;
        PosixResult removed = Libc.Unlink(place.Directory.Descriptor, place.Name);
        if (removed.Errno != ENOENT)
            BindErrors.ThrowIfError(removed, place.Address, "the stale socket there can't be removed");
        return true;
    }

    private enum Answer
    {
        /// <summary>ECONNREFUSED: nobody listens.</summary>
        Refused,

        /// <summary>It is gone, or another file is there.</summary>
        Changed,
    }
}
