using static Tmds.Linux.LibC;

namespace UnixLoop.Interop;

/// <summary>Whom an AF_UNIX socket is connected to (unix(7), socket(7)); the declaration of getsockopt is in Libc.SocketNames.cs.</summary>
internal static unsafe partial class Libc
{
    private const int SO_PEERGROUPS = 59; // asm-generic/socket.h
    private const int SO_PEERPIDFD = 77; // Linux 6.5

    /// <summary>SO_PEERCRED: who called connect(2), or listen(2), at that moment.</summary>
    internal static PosixResult PeerCredentials(int socket, out ucred credentials)
    {
        credentials = default;
        if (Faults.IsEnabled && Faults.Fails("getsockopt SO_PEERCRED", out PosixResult fault))
            return fault;
        uint length = (uint)sizeof(ucred);
        fixed (ucred* c = &credentials)
            return Result(getsockopt(socket, SOL_SOCKET, SO_PEERCRED, (byte*)c, &length));
    }

    /// <summary>SO_PEERGROUPS: the supplementary groups of who called connect(2), at that moment.</summary>
    internal static PosixResult PeerGroups(int socket, out uint[] groups)
    {
        groups = new uint[32];
        while (true)
        {
            if (Faults.IsEnabled && Faults.Fails("getsockopt SO_PEERGROUPS", out PosixResult fault))
                return fault;
            uint length = (uint)groups.Length * sizeof(uint);
            PosixResult result;
            fixed (uint* g = groups)
                result = Result(getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, (byte*)g, &length));
            if (result.Errno == ERANGE && length > groups.Length * sizeof(uint))
            {
                groups = new uint[length / sizeof(uint)];
                continue;
            }
            if (result.IsSuccess)
                groups = groups[..(int)(length / sizeof(uint))];
            return result;
        }
    }

    /// <summary>SO_PEERPIDFD: a close-on-exec pidfd of who called connect(2). ENOPROTOOPT before Linux 6.5.</summary>
    internal static PosixResult PeerPidfd(int socket)
    {
        if (Faults.IsEnabled && Faults.Fails("getsockopt SO_PEERPIDFD", out PosixResult fault))
            return fault;
        int pidfd;
        uint length = sizeof(int);
        PosixResult result = Result(getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, (byte*)&pidfd, &length));
        return result.IsError ? result : PosixResult.Success(pidfd);
    }

#pragma warning disable CS8981 // The name is the header's.
    /// <summary>struct ucred of sys/socket.h.</summary>
    internal struct ucred
    {
        internal int pid;
        internal uint uid;
        internal uint gid;
    }
#pragma warning restore CS8981
}
