using UnixLoop.Interop;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>Who may connect, by the credentials that the kernel has noted.</summary>
internal sealed class PeerFilter
{
    private readonly HashSet<uint> _users;
    private readonly HashSet<uint> _groups;

    private PeerFilter(HashSet<uint> users, HashSet<uint> groups)
    {
        _users = users;
        _groups = groups;
    }

    /// <summary>Null where nobody needs to be asked.</summary>
    internal static PeerFilter? Create(UnixStreamListenerOptions options, UnixSocketAddress address)
    {
        HashSet<uint>? users = AccountNumbers.Users(options.AllowedUsers, nameof(options.AllowedUsers));
        HashSet<uint>? groups = AccountNumbers.Groups(options.AllowedGroups, nameof(options.AllowedGroups));
        if (users is null && groups is null)
        {
            // An abstract name has no permissions. Root of another container that shares the network would not be our root.
            return address.IsAbstract && !options.AllowAnyUser ? new PeerFilter([Libc.EffectiveUser()], []) : null;
        }
        return new PeerFilter(users ?? [], groups ?? []);
    }

    internal bool Admits(PeerCredentials peer) =>
        _users.Contains(peer.UserId) || _groups.Contains(peer.GroupId) || _groups.Count > 0 && peer.SupplementaryGroups.Any(_groups.Contains);
}
