using System.Net;
using System.Net.Sockets;
using System.Text;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets.Adaptors;

/// <summary>HttpClient over a Unix socket, against a small responder.</summary>
public sealed class HttpTests : PairTest
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"http-{Guid.NewGuid():N}");

    private UnixSocketAddress Address => UnixSocketAddress.FromPath(_path);

    [Fact]
    public async Task Get_TwoRequests_ShareAConnection()
    {
        using Socket listener = Listen();
        Task<int> serving = Task.Run(() => ServeAsync(listener));
        using (var client = new HttpClient(UnixSocketHttpHandler.Create(Loop, Address)) { BaseAddress = new Uri("http://anything") })
        {
            Assert.Equal("you asked for /a", await client.GetStringAsync("/a").WaitAsync(TestTimeout));
            Assert.Equal("you asked for /b?c", await client.GetStringAsync("/b?c").WaitAsync(TestTimeout));
        }
        Assert.Equal(2, await serving.WaitAsync(TestTimeout));
        Eventually.True(() => Loop.GetStatistics().WatchedDescriptors == 0, "the client's connection is closed");
    }

    [Fact]
    public async Task Http2_PriorKnowledge_BeginsWithItsPreface()
    {
        const string Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        using Socket listener = Listen();
        using var client = new HttpClient(UnixSocketHttpHandler.Create(Loop, Address));
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://grpc/") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        Task<HttpResponseMessage> asking = client.SendAsync(request);
        using (Socket connection = await listener.AcceptAsync().WaitAsync(TestTimeout))
        {
            byte[] preface = new byte[Preface.Length];
            await using var stream = new NetworkStream(connection);
            await stream.ReadExactlyAsync(preface).AsTask().WaitAsync(TestTimeout);
            Assert.Equal(Preface, Encoding.ASCII.GetString(preface));
        }
        await Assert.ThrowsAsync<HttpRequestException>(() => asking.WaitAsync(TestTimeout));
        client.Dispose();
        Eventually.True(() => Loop.GetStatistics().WatchedDescriptors == 0, "the client's connection is closed");
    }

    [Fact]
    public async Task NobodyListens_SaysSo()
    {
        using var client = new HttpClient(UnixSocketHttpHandler.Create(Loop, UnixSocketAddress.FromAbstractName($"nobody-{Guid.NewGuid():N}")));
        HttpRequestException e = await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync("http://localhost/").WaitAsync(TestTimeout));
        Assert.Contains("ECONNREFUSED", e.ToString(), StringComparison.Ordinal);
    }

    public override async ValueTask DisposeAsync()
    {
        File.Delete(_path);
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private Socket Listen()
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(_path));
        listener.Listen();
        return listener;
    }

    /// <summary>Answers requests on the first connection until that ends; returns how many came.</summary>
    private static async Task<int> ServeAsync(Socket listener)
    {
        using Socket connection = await listener.AcceptAsync();
        await using var stream = new NetworkStream(connection);
        using var reader = new StreamReader(stream);
        int count = 0;
        while (await reader.ReadLineAsync() is { Length: > 0 } line)
        {
            while (await reader.ReadLineAsync() is { Length: > 0 })
            {
            }
            count++;
            string body = $"you asked for {line.Split(' ')[1]}";
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
        }
        return count;
    }
}
