using System.Net.Sockets;

namespace UnixLoop.Hosting.Systemd;

/// <summary>Sends state to the service manager by datagram (sd_notify(3)); a path, or an abstract name behind an @.</summary>
internal sealed class NotifySocket
{
    internal const string Variable = "NOTIFY_SOCKET";

    /// <summary>A service manager that does not read for this long is not waited for.</summary>
    private const int SendTimeoutMilliseconds = 1000;

    private readonly string _name;
    private readonly UnixDomainSocketEndPoint _address;

    private NotifySocket(string name, UnixDomainSocketEndPoint address)
    {
        _name = name;
        _address = address;
    }

    /// <summary>False for an address of another kind (AF_VSOCK) and for one that is too long.</summary>
    internal static bool TryCreate(string address, out NotifySocket? socket)
    {
        socket = null;
        if (address is not ['/' or '@', _, ..])
            return false;
        try
        {
            socket = new NotifySocket(address, new UnixDomainSocketEndPoint(address[0] == '@' ? '\0' + address[1..] : address));
            return true;
        }
        catch (ArgumentOutOfRangeException)
        {
            return false;
        }
    }

    /// <param name="state">Lines of NAME=VALUE.</param>
    /// <param name="wait">False to fail at once where the service manager's queue is full, as the loop's thread needs it.</param>
    /// <exception cref="IOException">There is no such socket.</exception>
    /// <exception cref="SocketException">Nobody receives there, or not in time.</exception>
    internal void Send(ReadOnlySpan<byte> state, bool wait = true)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.SendTimeout = SendTimeoutMilliseconds;
        socket.Blocking = wait;
        try
        {
            socket.Connect(_address);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressNotAvailable)
        {
            // What .NET makes of ENOENT, and calls an address that can't be assigned.
            throw new IOException($"There is no socket at '{_name}'.", e);
        }
        socket.Send(state);
    }
}
