using System.Net;
using System.Net.Sockets;

namespace UnixLoop.Kestrel.Tests.Support;

/// <summary>HttpClient over a Unix socket; nothing of it outlives its dispose.</summary>
internal static class UnixHttp
{
    internal static SocketsHttpHandler Handler(string path) => new()
    {
        ConnectCallback = async (_, cancel) =>
        {
            Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    };

    internal static HttpClient Client(string path, Version? version = null) => new(Handler(path))
    {
        BaseAddress = new Uri("http://localhost"),
        Timeout = TestTimeout,
        DefaultRequestVersion = version ?? HttpVersion.Version11,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };
}
