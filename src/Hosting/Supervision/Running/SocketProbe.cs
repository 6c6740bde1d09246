using System.Net.Sockets;

namespace UnixLoop.Hosting.Supervision;

/// <summary>Whether a Unix stream socket accepts, which is more than that its file is there: the connection is made and closed.</summary>
internal static class SocketProbe
{
    /// <summary>The 108 bytes of sun_path less the NUL at the end (unix(7)).</summary>
    internal const int MaxPathBytes = 107;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    /// <summary>Ends when it accepts.</summary>
    /// <param name="address">A path, or an abstract name after an @.</param>
    /// <param name="clock">Times the intervals.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    internal static async Task WaitAsync(string address, TimeProvider clock, CancellationToken cancellationToken)
    {
        while (!await AcceptsAsync(address, cancellationToken).ConfigureAwait(false))
            await Task.Delay(Interval, clock, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<bool> AcceptsAsync(string address, CancellationToken cancellationToken)
    {
        try
        {
            // Without a descriptor for it (EMFILE) it is not known to accept: asked again.
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            string name = address.StartsWith('@') ? '\0' + address[1..] : address;
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(name), cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
