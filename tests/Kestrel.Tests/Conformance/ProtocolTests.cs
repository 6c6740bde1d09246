using System.Net;
using System.Net.Security;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using UnixLoop.Kestrel.Tests.Support;

namespace UnixLoop.Kestrel.Tests.Conformance;

/// <summary>What runs above the connections: HTTP/2 without TLS, web sockets, TLS, connection middleware.</summary>
public sealed class ProtocolTests : KestrelTest
{
    [Theory, Transports(WithTwoLoops = true)]
    public async Task Http2_PriorKnowledge_ManyStreamsOnOneConnection(Transport transport)
    {
        await using TestServer server = await TestServer.StartAsync(
            transport,
            static app => app.Run(static async context =>
            {
                using MemoryStream body = new();
                await context.Request.Body.CopyToAsync(body);
                await context.Response.Body.WriteAsync(body.ToArray());
            }),
            static listen => listen.Protocols = HttpProtocols.Http2);
        using HttpClient client = UnixHttp.Client(server.Path, HttpVersion.Version20);
        await Task.WhenAll(Enumerable.Range(0, 100).Select(async i =>
        {
            byte[] sent = Encoding.ASCII.GetBytes(new string((char)('a' + i % 26), 1 + i * 997));
            using ByteArrayContent content = new(sent);
            using HttpResponseMessage answer = await client.PostAsync(new Uri("/", UriKind.Relative), content);
            Assert.Equal(HttpVersion.Version20, answer.Version);
            Assert.Equal(sent, await answer.Content.ReadAsByteArrayAsync());
        }));
    }

    [Theory, Transports(WithTwoLoops = true)]
    public async Task WebSocket_Messages_ComeBackWhole_AndTheCloseIsAnswered(Transport transport)
    {
        await using TestServer server = await TestServer.StartAsync(transport, static app =>
        {
            app.UseWebSockets();
            app.Run(EchoWebSocketAsync);
        });
        using SocketsHttpHandler handler = UnixHttp.Handler(server.Path);
        using HttpMessageInvoker invoker = new(handler);
        using ClientWebSocket socket = new();
        await socket.ConnectAsync(new Uri("ws://localhost/"), invoker, CancellationToken.None).WaitAsync(TestTimeout);
        foreach (int size in (int[])[0, 1, 125, 126, 70_000, 1 << 20])
        {
            byte[] sent = new byte[size];
            Random.Shared.NextBytes(sent);
            Task send = socket.SendAsync(sent.AsMemory(), WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None).AsTask();
            byte[] got = new byte[size];
            int have = 0;
            ValueWebSocketReceiveResult part;
            do
            {
                part = await socket.ReceiveAsync(got.AsMemory(have), CancellationToken.None).AsTask().WaitAsync(TestTimeout);
                have += part.Count;
            }
            while (!part.EndOfMessage);
            await send;
            Assert.Equal(sent, got[..have]);
        }
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", CancellationToken.None).WaitAsync(TestTimeout);
        Assert.Equal(WebSocketCloseStatus.NormalClosure, socket.CloseStatus);
    }

    [Theory, Transports]
    public async Task Tls_UseHttps_Serves(Transport transport)
    {
        using X509Certificate2 certificate = SelfSigned();
        await using TestServer server = await TestServer.StartAsync(
            transport,
            static app => app.Run(static context => context.Response.WriteAsync($"{context.Request.Scheme} {context.Request.Protocol}")),
            listen => listen.UseHttps(certificate));
        using SocketsHttpHandler handler = UnixHttp.Handler(server.Path);
        handler.SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, presented, _, _) => certificate.Equals(presented) };
        using HttpClient client = new(handler) { Timeout = TestTimeout };
        Assert.Equal("https HTTP/1.1", await client.GetStringAsync(new Uri("https://localhost/")));
        using HttpRequestMessage second = new(HttpMethod.Get, "https://localhost/") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using HttpResponseMessage answer = await client.SendAsync(second);
        Assert.Equal("https HTTP/2", await answer.Content.ReadAsStringAsync());
    }

    [Theory, Transports]
    public async Task Tls_PlainText_IsRefused(Transport transport)
    {
        using X509Certificate2 certificate = SelfSigned();
        await using TestServer server = await TestServer.StartAsync(transport, Http1Tests.Hello, listen => listen.UseHttps(certificate));
        using RawClient client = await RawClient.ConnectAsync(server.Path);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.DoesNotContain("hello", await client.ReceiveAllAsync(), StringComparison.Ordinal);
    }

    [Theory, Transports]
    public async Task ConnectionMiddleware_SeesEachConnectionOnce_AndMayRefuse(Transport transport)
    {
        int connections = 0;
        await using TestServer server = await TestServer.StartAsync(transport, Http1Tests.Hello, listen => listen.Use(next => async connection =>
        {
            if (Interlocked.Increment(ref connections) == 1)
                await next(connection);
            else
                connection.Abort();
        }));
        using RawClient first = await RawClient.ConnectAsync(server.Path);
        for (int i = 0; i < 2; i++)
        {
            await first.SendAsync("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
            await first.ReceiveUntilAsync("hello");
        }
        using RawClient second = await RawClient.ConnectAsync(server.Path);
        Assert.Equal("", await second.ReceiveAllAsync());
        Assert.Equal(2, connections);
    }

    internal static async Task EchoWebSocketAsync(HttpContext context)
    {
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
        byte[] buffer = new byte[16_384];
        while (true)
        {
            ValueWebSocketReceiveResult part = await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted);
            if (part.MessageType == WebSocketMessageType.Close)
                break;
            await socket.SendAsync(buffer.AsMemory(0, part.Count), part.MessageType, part.EndOfMessage, context.RequestAborted);
        }
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
    }

    private static X509Certificate2 SelfSigned()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256);
        using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }
}
