using System.Net.Sockets;
using System.Text;

namespace UnixLoop.TestSupport;

/// <summary>The receiving end of NOTIFY_SOCKET.</summary>
internal sealed class ServiceManager : IDisposable
{
    private readonly string? _path;
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

    internal ServiceManager(bool isAbstract)
    {
        string name = Path.Combine(Path.GetTempPath(), $"notify-{Guid.NewGuid():N}");
        _socket.Bind(new UnixDomainSocketEndPoint(isAbstract ? '\0' + name : name));
        _socket.ReceiveTimeout = (int)TestTimeout.TotalMilliseconds;
        _path = isAbstract ? null : name;
        Address = isAbstract ? '@' + name : name;
    }

    /// <summary>As NOTIFY_SOCKET has it.</summary>
    internal string Address { get; }

    internal string Receive()
    {
        byte[] buffer = new byte[1024];
        return Encoding.UTF8.GetString(buffer, 0, _socket.Receive(buffer));
    }

    /// <summary>Leaves no room for a state: who sends one waits.</summary>
    internal void Fill()
    {
        using Socket sender = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
        sender.Connect(_socket.LocalEndPoint!);
        try
        {
            while (true)
                sender.Send("X=1"u8);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.WouldBlock)
        {
            // That was the last one.
        }
    }

    internal bool IsEmpty => _socket.Available == 0;

    public void Dispose()
    {
        _socket.Dispose();
        if (_path is not null)
            File.Delete(_path);
    }
}
