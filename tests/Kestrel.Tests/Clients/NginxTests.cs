using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using UnixLoop.Kestrel.Tests.Support;

namespace UnixLoop.Kestrel.Tests.Clients;

/// <summary>nginx as a reverse proxy before the socket, itself on a Unix socket.</summary>
public sealed class NginxTests : KestrelTest
{
    [Theory, Transports]
    public async Task Proxy_KeepAlive_Uploads_AndWebSockets(Transport transport)
    {
        await using TestServer server = await TestServer.StartAsync(transport, Site.Map);
        await using Nginx nginx = await Nginx.StartAsync(server.Path);
        using HttpClient client = UnixHttp.Client(nginx.Path);
        for (int i = 0; i < 50; i++)
            Assert.Equal("hello over HTTP/1.1", await client.GetStringAsync(new Uri("/", UriKind.Relative)));

        byte[] body = new byte[Site.Large];
        Random.Shared.NextBytes(body);
        using ByteArrayContent content = new(body);
        using HttpResponseMessage answer = await client.PostAsync(new Uri("/upload", UriKind.Relative), content);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(body)), await answer.Content.ReadAsStringAsync());
        Assert.Equal(Site.Large, (await client.GetByteArrayAsync(new Uri("/download", UriKind.Relative))).Length);

        using SocketsHttpHandler handler = UnixHttp.Handler(nginx.Path);
        using HttpMessageInvoker invoker = new(handler);
        using ClientWebSocket socket = new();
        await socket.ConnectAsync(new Uri("ws://localhost/ws"), invoker, CancellationToken.None).WaitAsync(TestTimeout);
        await socket.SendAsync("through the proxy"u8.ToArray(), WebSocketMessageType.Text, true, CancellationToken.None).WaitAsync(TestTimeout);
        byte[] echo = new byte[64];
        WebSocketReceiveResult got = await socket.ReceiveAsync(echo, CancellationToken.None).WaitAsync(TestTimeout);
        Assert.Equal("through the proxy"u8.ToArray(), echo[..got.Count]);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).WaitAsync(TestTimeout);
    }
}
