using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using UnixLoop.Kestrel.Tests.Support;

namespace UnixLoop.Kestrel.Tests.Conformance;

/// <summary>What Kestrel is promised of a connection: the pipe, its two ends, and how it ends.</summary>
public sealed class ConnectionTests : KestrelTest
{
    [Theory, Transports]
    public async Task Pipe_Echo_InPiecesOfAllSizes(Transport transport)
    {
        await using TestServer server = await TestServer.StartConnectionsAsync(transport, EchoAsync);
        using RawClient client = await RawClient.ConnectAsync(server.Path);
        foreach (int size in (int[])[1, 100, 4095, 4096, 4097, 65_536, 300_000])
        {
            byte[] sent = new byte[size];
            Random.Shared.NextBytes(sent);
            Task send = client.SendAsync(sent);
            Assert.Equal(sent, await client.ReceiveExactlyAsync(size));
            await send;
        }
    }

    [Theory, Transports]
    public async Task Fin_OfTheClient_CompletesTheRead_AndAnAnswerStillArrives(Transport transport)
    {
        await using TestServer server = await TestServer.StartConnectionsAsync(transport, static async connection =>
        {
            long length = 0;
            while (true)
            {
                ReadResult read = await connection.Transport.Input.ReadAsync();
                length += read.Buffer.Length;
                connection.Transport.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    break;
            }
            await connection.Transport.Output.WriteAsync(Encoding.ASCII.GetBytes($"got {length}"));
        });
        using RawClient client = await RawClient.ConnectAsync(server.Path);
        await client.SendAsync("12345");
        client.Finish();
        Assert.Equal("got 5", await client.ReceiveAllAsync());
    }

    /// <summary>A Unix socket resets when it is closed with bytes unread (unix(7)).</summary>
    [Theory, Transports]
    public async Task Reset_ByTheClient_EndsTheReadWithConnectionReset_AndFiresConnectionClosed(Transport transport)
    {
        TaskCompletionSource<Exception?> read = new();
        TaskCompletionSource closed = new();
        await using TestServer server = await TestServer.StartConnectionsAsync(transport, async connection =>
        {
            connection.ConnectionClosed.Register(closed.SetResult);
            await connection.Transport.Output.WriteAsync("never read"u8.ToArray());
            read.SetResult(await Record.ExceptionAsync(async () => await connection.Transport.Input.ReadAsync()));
            await closed.Task.WaitAsync(TestTimeout);
        });
        RawClient client = await RawClient.ConnectAsync(server.Path);
        Eventually.True(() => client.Socket.Available > 0, "bytes that are not read");
        client.Dispose();
        Assert.IsType<ConnectionResetException>(await read.Task.WaitAsync(TestTimeout));
        await closed.Task.WaitAsync(TestTimeout);
    }

    [Theory, Transports]
    public async Task Close_ByTheClient_WhileNothingIsUnread_IsAnEnd_AndFiresConnectionClosed(Transport transport)
    {
        TaskCompletionSource<bool> completed = new();
        TaskCompletionSource closed = new();
        await using TestServer server = await TestServer.StartConnectionsAsync(transport, async connection =>
        {
            connection.ConnectionClosed.Register(closed.SetResult);
            completed.SetResult((await connection.Transport.Input.ReadAsync()).IsCompleted);
            await closed.Task.WaitAsync(TestTimeout);
        });
        (await RawClient.ConnectAsync(server.Path)).Dispose();
        Assert.True(await completed.Task.WaitAsync(TestTimeout));
        await closed.Task.WaitAsync(TestTimeout);
    }

    [Theory, Transports]
    public async Task Abort_WithAReason_EndsBothSides(Transport transport)
    {
        ConnectionAbortedException reason = new("enough");
        TaskCompletionSource<Exception?> read = new();
        TaskCompletionSource closed = new();
        await using TestServer server = await TestServer.StartConnectionsAsync(transport, async connection =>
        {
            connection.ConnectionClosed.Register(closed.SetResult);
            ValueTask<ReadResult> pending = connection.Transport.Input.ReadAsync();
            connection.Abort(reason);
            read.SetResult(await Record.ExceptionAsync(async () => await pending));
            await closed.Task.WaitAsync(TestTimeout);
            // A writer that has not noticed yet is told by the result, and not by an exception.
            while (!(await connection.Transport.Output.WriteAsync("too late"u8.ToArray())).IsCompleted)
                await Task.Yield();
        });
        using RawClient client = await RawClient.ConnectAsync(server.Path);
        Assert.Equal("", await client.ReceiveAllAsync());
        Assert.Same(reason, await read.Task.WaitAsync(TestTimeout));
        await closed.Task.WaitAsync(TestTimeout);
    }

    [Theory, Transports]
    public async Task CancelPendingRead_AndFlush_ReturnCancelled_AndTheConnectionGoesOn(Transport transport)
    {
        TaskCompletionSource<(bool Read, bool Flush)> cancelled = new();
        await using TestServer server = await TestServer.StartConnectionsAsync(transport, async connection =>
        {
            ValueTask<ReadResult> pending = connection.Transport.Input.ReadAsync();
            connection.Transport.Input.CancelPendingRead();
            ReadResult read = await pending;
            connection.Transport.Input.AdvanceTo(read.Buffer.Start);
            // More than the socket takes: the flush waits for the client.
            ValueTask<FlushResult> flush = connection.Transport.Output.WriteAsync(new byte[4 << 20]);
            connection.Transport.Output.CancelPendingFlush();
            cancelled.SetResult((read.IsCanceled, (await flush).IsCanceled));
            await connection.Transport.Output.WriteAsync("end"u8.ToArray());
        });
        using RawClient client = await RawClient.ConnectAsync(server.Path);
        Assert.Equal((true, true), await cancelled.Task.WaitAsync(TestTimeout));
        byte[] all = await client.ReceiveExactlyAsync((4 << 20) + 3);
        Assert.Equal("end"u8, all.AsSpan(4 << 20));
    }

    [Theory, Transports]
    public async Task BackPressure_In_AClientIsHeldWhileNobodyReads_AndNothingIsLost(Transport transport)
    {
        TaskCompletionSource go = new();
        TaskCompletionSource<long> total = new();
        await using TestServer server = await TestServer.StartConnectionsAsync(transport, async connection =>
        {
            await go.Task.WaitAsync(TestTimeout);
            long length = 0;
            ReadResult read;
            do
            {
                read = await connection.Transport.Input.ReadAsync();
                length += read.Buffer.Length;
                connection.Transport.Input.AdvanceTo(read.Buffer.End);
            }
            while (!read.IsCompleted);
            total.SetResult(length);
        });
        using RawClient client = await RawClient.ConnectAsync(server.Path);
        long sent = client.Fill(new byte[65_536]);
        // The pipe's 1 MiB and a block, and the socket's own buffer.
        Assert.InRange(sent, 65_536, 3 << 20);
        go.SetResult();
        client.Finish();
        Assert.Equal(sent, await total.Task.WaitAsync(TestTimeout));
    }

    [Theory, Transports]
    public async Task BackPressure_Out_AFlushWaitsForTheClient_AndNothingIsLost(Transport transport)
    {
        const int Total = 8 << 20;
        const int HighWaterMark = 65_536;
        long written = 0;
        bool isPending = false, isDone = false;
        await using TestServer server = await TestServer.StartConnectionsAsync(transport, async connection =>
        {
            byte[] block = new byte[16_384];
            while (Volatile.Read(ref written) < Total)
            {
                ValueTask<FlushResult> flush = connection.Transport.Output.WriteAsync(block);
                Interlocked.Add(ref written, block.Length);
                Volatile.Write(ref isPending, !flush.IsCompleted);
                await flush;
                Volatile.Write(ref isPending, false);
            }
            Volatile.Write(ref isDone, true);
        });
        using RawClient client = await RawClient.ConnectAsync(server.Path);

        // Not less what the client's socket holds: Kestrel's own sockets count that as held until the whole send is through.
        Eventually.True(() => Volatile.Read(ref isDone) || Volatile.Read(ref isPending) && Interlocked.Read(ref written) >= HighWaterMark, "a flush that waits");
        Assert.False(Volatile.Read(ref isDone), "all was taken for a client that reads nothing");
        Assert.InRange(Interlocked.Read(ref written), HighWaterMark, 2 << 20);

        await client.ReceiveExactlyAsync(Total);
        Assert.Equal("", await client.ReceiveAllAsync());
    }

    [Theory, Transports(WithTwoLoops = true)]
    public async Task Connections_Many_AllAreServed(Transport transport)
    {
        await using TestServer server = await TestServer.StartConnectionsAsync(transport, EchoAsync);
        RawClient[] clients = await Task.WhenAll(Enumerable.Range(0, 300).Select(_ => RawClient.ConnectAsync(server.Path)));
        await Task.WhenAll(clients.Select(client => client.SendAsync("ping")));
        foreach (RawClient client in clients)
        {
            Assert.Equal("ping"u8.ToArray(), await client.ReceiveExactlyAsync(4));
            client.Dispose();
        }
    }

    [Theory, Transports]
    public async Task Features_OfAConnection_AreThoseOfKestrelsOwn(Transport transport)
    {
        TaskCompletionSource<string[]> missing = new();
        await using TestServer server = await TestServer.StartConnectionsAsync(transport, connection =>
        {
            Type[] features = [typeof(IConnectionIdFeature), typeof(IConnectionTransportFeature), typeof(IConnectionItemsFeature), typeof(IConnectionLifetimeFeature), typeof(IMemoryPoolFeature)];
            List<string> absent = [.. features.Where(feature => connection.Features[feature] is null).Select(feature => feature.Name)];
            if (string.IsNullOrEmpty(connection.ConnectionId))
                absent.Add("id");
            if (connection.LocalEndPoint is not System.Net.Sockets.UnixDomainSocketEndPoint local || !local.ToString().EndsWith("web.sock", StringComparison.Ordinal))
                absent.Add($"local end point: {connection.LocalEndPoint}");
            missing.SetResult([.. absent]);
            return Task.CompletedTask;
        });
        using RawClient client = await RawClient.ConnectAsync(server.Path);
        Assert.Empty(await missing.Task.WaitAsync(TestTimeout));
    }

    private static async Task EchoAsync(ConnectionContext connection)
    {
        while (true)
        {
            ReadResult read = await connection.Transport.Input.ReadAsync();
            foreach (ReadOnlyMemory<byte> piece in read.Buffer)
                connection.Transport.Output.Write(piece.Span);
            connection.Transport.Input.AdvanceTo(read.Buffer.End);
            FlushResult flush = await connection.Transport.Output.FlushAsync();
            if (read.IsCompleted || flush.IsCompleted)
                return;
        }
    }
}
