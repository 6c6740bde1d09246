using System.IO.Pipelines;
using System.Text;
using UnixLoop.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets;

public sealed class ConnectionTests : ConnectionTest
{
    [Fact]
    public async Task Read_BytesOfThePeer_Come()
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection();
        await using (connection)
        using (peer)
        {
            Send(peer, "hello");
            Assert.Equal("hello", await ReadTextAsync(connection.Input, 5));
        }
    }

    [Fact]
    public async Task Read_BytesAndEndFromBeforeTheConnectionWasMade_Come()
    {
        (UnixHandle own, UnixHandle peer) = NewSocketPair();
        Send(peer, "early");
        peer.Dispose();
        await using UnixStreamConnection connection = UnixStreamConnection.FromSocket(Loop, own);
        Assert.Equal("early", Encoding.UTF8.GetString(await ReadToEndAsync(connection.Input)));
    }

    [Fact]
    public async Task Statistics_BytesOfBothDirections_AreCounted()
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection();
        await using (connection)
        using (peer)
        {
            await connection.Output.WriteAsync("hello"u8.ToArray());
            await connection.Output.WriteAsync(", world"u8.ToArray());
            Send(peer, "answer");
            Assert.Equal("answer", await ReadTextAsync(connection.Input, 6));
            UnixStreamConnectionStatistics statistics = connection.GetStatistics();
            Assert.Equal((12, 2, 6), (statistics.BytesWritten, statistics.Writes, statistics.BytesRead));
            Assert.InRange(statistics.Reads, 1, 6);
        }
    }

    [Fact]
    public async Task Write_ToThePeer_IsSentByTheFlush()
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection();
        await using (connection)
        using (peer)
        {
            "hello"u8.CopyTo(connection.Output.GetSpan(5));
            connection.Output.Advance(5);
            Assert.Equal(5, connection.Output.UnflushedBytes);
            Task flush = connection.Output.FlushAsync().AsTask();
            Assert.True(flush.IsCompletedSuccessfully);
            byte[] buffer = new byte[16];
            Assert.Equal(5, Libc.Receive(peer.Descriptor, buffer).IntValue); // at once: no turn of the loop was needed
            Assert.Equal(0, connection.Output.UnflushedBytes);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Echo_MegabytesBothWays_AreTheSame(bool inline)
    {
        var options = new UnixStreamConnectionOptions { Scheduler = inline ? PipeScheduler.Inline : PipeScheduler.ThreadPool };
        (UnixHandle first, UnixHandle second) = NewSocketPair();
        await using UnixStreamConnection client = UnixStreamConnection.FromSocket(Loop, first, options);
        await using UnixStreamConnection server = UnixStreamConnection.FromSocket(Loop, second, options);
        Task echo = Task.Run(async () =>
        {
            while (true)
            {
                ReadResult result = await server.Input.ReadAsync();
                foreach (ReadOnlyMemory<byte> segment in result.Buffer)
                    await server.Output.WriteAsync(segment);
                server.Input.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                    break;
            }
            await server.Output.CompleteAsync();
        });
        byte[] sent = Pattern(5_000_000);
        Task write = Task.Run(async () =>
        {
            foreach (byte[] chunk in sent.Chunk(77_777))
                await client.Output.WriteAsync(chunk);
            await client.Output.CompleteAsync();
        });
        byte[] received = await ReadToEndAsync(client.Input);
        await Task.WhenAll(write, echo).WaitAsync(TestTimeout);
        Assert.Equal(sent, received);
        await ClosedAsync(client);
        await ClosedAsync(server);
    }

    [Fact]
    public async Task Output_Completed_IsAHalfClose()
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection();
        await using (connection)
        using (peer)
        {
            await connection.Output.WriteAsync("bye"u8.ToArray());
            await connection.Output.CompleteAsync();
            Assert.Equal("bye", ReceiveText(peer, 3));
            Assert.Equal(0, ReceiveEnd(peer).IntValue);
            Assert.False(connection.Closed.IsCancellationRequested);
            Send(peer, "still");
            Assert.Equal("still", await ReadTextAsync(connection.Input, 5));
        }
    }

    [Fact]
    public async Task Peer_HalfClose_EndsTheInputAlone()
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection();
        await using (connection)
        using (peer)
        {
            Send(peer, "last");
            Libc.Shutdown(peer.Descriptor, SHUT_WR);
            Assert.Equal("last", Encoding.UTF8.GetString(await ReadToEndAsync(connection.Input)));
            await connection.Output.WriteAsync("answer"u8.ToArray());
            Assert.Equal("answer", ReceiveText(peer, 6));
            Assert.False(connection.Closed.IsCancellationRequested);
            Assert.Equal(0, await CountIdleTurnsAsync());
        }
    }

    [Fact]
    public async Task Peer_Close_IsClosed()
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection();
        await using (connection)
        {
            Task closed = ClosedAsync(connection);
            Send(peer, "last");
            peer.Dispose();
            await closed;
            Assert.Equal("last", Encoding.UTF8.GetString(await ReadToEndAsync(connection.Input)));
            FlushResult flushed = await connection.Output.FlushAsync();
            Assert.True(flushed.IsCompleted);
            IOException lost = await Assert.ThrowsAsync<IOException>(() => connection.Output.WriteAsync(new byte[1]).AsTask());
            Assert.Equal(EPIPE, lost.HResult);
        }
    }

    [Fact]
    public async Task Abort_WithAReason_IsWhatReadsAndFlushesFailWith()
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection();
        await using (connection)
        using (peer)
        {
            var reason = new InvalidDataException("enough");
            Task<ReadResult> read = connection.Input.ReadAsync().AsTask();
            connection.Abort(reason);
            Assert.Same(reason, await Assert.ThrowsAsync<InvalidDataException>(() => read.WaitAsync(TestTimeout)));
            Assert.Same(reason, await Assert.ThrowsAsync<InvalidDataException>(() => connection.Output.WriteAsync(new byte[1]).AsTask()));
            await ClosedAsync(connection);
            Assert.Equal(0, ReceiveEnd(peer).IntValue);
        }
    }

    [Fact]
    public async Task Dispose_QueuedBytes_AreSentFirst()
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection();
        using (peer)
        {
            byte[] sent = Pattern(2_000_000);
            Task flush = connection.Output.WriteAsync(sent).AsTask();
            Assert.False(flush.IsCompleted);
            Task disposal = connection.DisposeAsync().AsTask();
            Assert.False(disposal.IsCompleted);
            Assert.Equal(sent, Receive(peer, sent.Length));
            Assert.Equal(0, ReceiveEnd(peer).IntValue);
            await disposal.WaitAsync(TestTimeout);
            await flush.WaitAsync(TestTimeout);
            await Assert.ThrowsAsync<ObjectDisposedException>(() => connection.Input.ReadAsync().AsTask());
        }
    }

    [Fact]
    public async Task Dispose_PeerThatDoesNotRead_IsBounded()
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection(new() { CloseTimeout = TimeSpan.FromMilliseconds(50) });
        using (peer)
        {
            Task flush = connection.Output.WriteAsync(new byte[2_000_000]).AsTask();
            await connection.DisposeAsync().AsTask().WaitAsync(TestTimeout);
            await Assert.ThrowsAsync<ObjectDisposedException>(() => flush.WaitAsync(TestTimeout));
            Eventually.True(() => Log.GetSnapshot().Any(entry => entry.Id.Name == "ConnectionUnsent"), "the line, which comes last");
        }
    }

    [Fact]
    public async Task Connect_AndAccept_OverAPath()
    {
        string path = Path.Combine(Path.GetTempPath(), $"unixloop-{Guid.NewGuid():N}.sock");
        using var listener = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, 0);
        listener.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(path));
        listener.Listen();
        await using UnixStreamConnection client = await UnixStreamConnection.ConnectAsync(Loop, UnixSocketAddress.FromPath(path)).WaitAsync(TestTimeout);
        using System.Net.Sockets.Socket accepted = await listener.AcceptAsync().WaitAsync(TestTimeout);
        Assert.Equal(path, client.RemoteAddress.Path);
        Assert.True(client.LocalAddress.IsUnnamed);
        await client.Output.WriteAsync("ping"u8.ToArray());
        byte[] buffer = new byte[4];
        Assert.Equal(4, await accepted.ReceiveAsync(buffer).WaitAsync(TestTimeout));
        await accepted.SendAsync(buffer).WaitAsync(TestTimeout);
        Assert.Equal("ping", await ReadTextAsync(client.Input, 4));
    }
}
