using UnixLoop.Transports;

namespace UnixLoop.Hosting;

/// <summary>Who is at the other end, as the kernel tells it. In the features of a connection, and so in <c>HttpContext.Features</c>; absent over TCP.</summary>
public interface IPeerCredentialsFeature
{
    /// <summary>Process, user and groups of the client at its connect(2) (unix(7), SO_PEERCRED).</summary>
    PeerCredentials PeerCredentials { get; }
}
