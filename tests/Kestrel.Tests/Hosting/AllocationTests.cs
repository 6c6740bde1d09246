using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using UnixLoop.Kestrel.Tests.Support;

namespace UnixLoop.Kestrel.Tests.Hosting;

/// <summary>The transport, apart from what Kestrel's HTTP and the application do.</summary>
public sealed class AllocationTests : KestrelTest
{
    private const int Messages = 20_000;

    private static readonly byte[] s_hello = "hello"u8.ToArray();

    [Theory]
    [InlineData(Transport.Loop)]
    [InlineData(Transport.LoopInline)]
    public async Task Messages_BackAndForth_AllocateNothing(Transport transport)
    {
        await using TestServer server = await TestServer.StartConnectionsAsync(transport, ConnectionEchoAsync);
        // Never used asynchronously: a socket that was waits by operations that are objects.
        using Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint(server.Path));
        PingPong(client, 5_000);
        double each = LeastBytesEach(Messages, count => PingPong(client, count));
        Assert.True(each < 12, $"{each} bytes a message");
    }

    /// <summary>What HTTP and the application allocate is the same by every transport: Kestrel's own sockets have none to add.</summary>
    [Theory]
    [InlineData(Transport.Loop, 1)]
    [InlineData(Transport.LoopInline, 1)]
    [InlineData(Transport.Loop, 16)]
    [InlineData(Transport.LoopInline, 16)]
    public async Task Requests_AllocateNoMoreThanByKestrelsOwnSockets(Transport transport, int pipelined)
    {
        double theirs = await BytesPerRequestAsync(Transport.Default, pipelined);
        double ours = await BytesPerRequestAsync(transport, pipelined);
        TestContext.Current.TestOutputHelper?.WriteLine($"{ours:F1} bytes a request, by Kestrel's own sockets {theirs:F1}");
        Assert.True(ours < theirs + 12, $"{ours} bytes a request, by Kestrel's own sockets {theirs}");
    }

    private static async Task<double> BytesPerRequestAsync(Transport transport, int pipelined)
    {
        const int requests = 20_000;
        await using TestServer server = await TestServer.StartAsync(
            transport,
            static app => app.Run(static context =>
            {
                context.Response.ContentLength = 5;
                return context.Response.Body.WriteAsync(s_hello, 0, 5);
            }),
            services: static services => services.AddLogging(static logging => logging.SetMinimumLevel(LogLevel.None)));
        using Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint(server.Path));
        byte[] request = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", pipelined)));
        byte[] buffer = new byte[64 * 1024];
        client.Send(request.AsSpan(0, request.Length / pipelined));
        int answer = ReceiveAnswer(client, buffer);
        Ask(5_000);
        return LeastBytesEach(requests, Ask);

        void Ask(int count)
        {
            for (int i = 0; i < count; i += pipelined)
            {
                client.Send(request);
                for (int have = 0; have < answer * pipelined;)
                    have += client.Receive(buffer);
            }
        }
    }

    /// <summary>
    /// Of three measurements: the pool's new threads, and buffers that they rent for the first time, come to hundreds of kilobytes on a loaded machine,
    /// but not each time. One object for each would be there in all three, with 24 bytes or more.
    /// </summary>
    private static double LeastBytesEach(int count, Action<int> exchange)
    {
        double least = double.MaxValue;
        for (int i = 0; i < 3; i++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            exchange(count);
            least = Math.Min(least, (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)count);
        }
        return least;
    }

    /// <summary>Its length is that of all others: the date has one length.</summary>
    private static int ReceiveAnswer(Socket client, byte[] buffer)
    {
        int have = 0;
        while (!buffer.AsSpan(0, have).EndsWith(s_hello))
            have += client.Receive(buffer.AsSpan(have));
        return have;
    }

    /// <summary>Synchronous, so that the client allocates nothing.</summary>
    private static void PingPong(Socket client, int messages)
    {
        byte[] buffer = Encoding.ASCII.GetBytes("ping");
        for (int i = 0; i < messages; i++)
        {
            client.Send(buffer);
            for (int have = 0; have < 4;)
                have += client.Receive(buffer, have, 4 - have, SocketFlags.None);
        }
    }

    private static async Task ConnectionEchoAsync(ConnectionContext connection)
    {
        while (true)
        {
            ReadResult read = await connection.Transport.Input.ReadAsync();
            foreach (ReadOnlyMemory<byte> piece in read.Buffer)
                await connection.Transport.Output.WriteAsync(piece);
            connection.Transport.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
                return;
        }
    }
}
