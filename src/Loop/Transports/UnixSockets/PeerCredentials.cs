using System.Runtime.InteropServices;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports;

/// <summary>
/// Who is at the other end of a Unix socket, as the kernel noted it when that end called connect(2), or listen(2) as seen by a
/// client (unix(7), SO_PEERCRED). It can't be forged; but the process may have ended since, or have handed its end on.
/// </summary>
/// <remarks>Users and groups of another user namespace that have no number in ours show as 65534 (user_namespaces(7)): never trust that number.</remarks>
public sealed class PeerCredentials
{
    private readonly SafeHandle _socket;

    private PeerCredentials(SafeHandle socket, in Libc.ucred credentials, uint[] groups)
    {
        _socket = socket;
        ProcessId = credentials.pid;
        UserId = credentials.uid;
        GroupId = credentials.gid;
        SupplementaryGroups = Array.AsReadOnly(groups);
    }

    /// <summary>The process's number in our PID namespace; 0 if it has none there. Numbers are used again: see <see cref="OpenPidfd"/>.</summary>
    public int ProcessId { get; }

    /// <summary>The effective user.</summary>
    public uint UserId { get; }

    /// <summary>The effective group.</summary>
    public uint GroupId { get; }

    /// <summary>The supplementary groups (SO_PEERGROUPS).</summary>
    public IReadOnlyList<uint> SupplementaryGroups { get; }

    /// <summary>
    /// Opens a pidfd of the peer's process (SO_PEERPIDFD, Linux 6.5): it names that very process also when it has ended and its
    /// number is used again, so what is then read under /proc/<see cref="ProcessId"/> can be proved to be its.
    /// </summary>
    /// <returns>The caller's to dispose; null where the kernel has no SO_PEERPIDFD, which proves nothing about the process.</returns>
    /// <exception cref="IOException">The process is gone (ESRCH; newer kernels give a pidfd all the same), or no descriptor could be had.</exception>
    /// <exception cref="ObjectDisposedException">The connection is closed.</exception>
    public SafeHandle? OpenPidfd()
    {
        bool borrowed = false;
        try
        {
            _socket.DangerousAddRef(ref borrowed);
            PosixResult opened = Libc.PeerPidfd((int)_socket.DangerousGetHandle());
            if (opened.IsSuccess)
                return new UnixHandle(opened.IntValue);
            if (opened.Errno == ENOPROTOOPT)
                return null;
            // EINVAL is how kernels before 6.16 say it.
            PosixResult reason = opened.Errno == EINVAL ? PosixResult.Failure(ESRCH) : opened;
            throw PosixError.ToException(reason, $"getsockopt SO_PEERPIDFD for peer process {ProcessId}");
        }
        finally
        {
            if (borrowed)
                _socket.DangerousRelease();
        }
    }

    /// <summary>Asks the kernel.</summary>
    /// <param name="socket">A connected Unix socket; borrowed by what is returned, which never closes it.</param>
    /// <param name="credentials">Null on an error.</param>
    internal static PosixResult TryRead(SafeHandle socket, out PeerCredentials? credentials)
    {
        credentials = null;
        int descriptor = (int)socket.DangerousGetHandle();
        PosixResult read = Libc.PeerCredentials(descriptor, out Libc.ucred peer);
        if (read.IsError)
            return read;
        read = Libc.PeerGroups(descriptor, out uint[] groups);
        if (read.IsError)
            return read;
        credentials = new PeerCredentials(socket, peer, groups);
        return read;
    }

    /// <summary>As <see cref="TryRead"/>, or throws.</summary>
    /// <exception cref="IOException">getsockopt(2) failed.</exception>
    internal static PeerCredentials Read(SafeHandle socket)
    {
        PosixError.ThrowIfError(TryRead(socket, out PeerCredentials? credentials), "getsockopt SO_PEERCRED");
        return credentials!;
    }

    /// <summary>"pid 4711, uid 1000, gid 1000".</summary>
    public override string ToString() => $"pid {ProcessId}, uid {UserId}, gid {GroupId}";
}
