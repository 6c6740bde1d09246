using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections;
using UnixLoop.Kestrel.Tests.Support;

namespace UnixLoop.Kestrel.Tests.Hosting;

/// <summary>The transport, apart from what Kestrel's HTTP and the application do.</summary>
public sealed class AllocationTests : KestrelTest
{
    private const int Messages = 20_000;

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
        long before = GC.GetTotalAllocatedBytes(precise: true);
        PingPong(client, Messages);
        long each = (GC.GetTotalAllocatedBytes(precise: true) - before) / Messages;
        // The pool's own threads and the clock of the test allocate now and then; one object a message would be 24 bytes or more.
        Assert.True(each < 12, $"{each} bytes a message");
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
