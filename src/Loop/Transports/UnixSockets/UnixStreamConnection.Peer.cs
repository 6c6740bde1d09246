namespace UnixLoop.Transports;

public sealed partial class UnixStreamConnection
{
    private PeerCredentials? _peer;

    /// <summary>Who is at the other end. Asked of the kernel once, at the first look: whoever needs it after the end looks before.</summary>
    /// <exception cref="ObjectDisposedException">The connection is closed, and nobody had looked before.</exception>
    /// <exception cref="IOException">getsockopt(2) failed.</exception>
    public PeerCredentials PeerCredentials
    {
        get
        {
            if (_peer is { } known)
                return known;
            bool borrowed = false;
            try
            {
                _socket.DangerousAddRef(ref borrowed);
                return _peer = PeerCredentials.Read(_socket);
            }
            catch (ObjectDisposedException) when (_peer is { } noted)
            {
                return noted; // by the end, beside us
            }
            finally
            {
                if (borrowed)
                    _socket.DangerousRelease();
            }
        }
    }
}
