using System.IO.Pipelines;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.UnixSockets;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.Allocations;

/// <summary>A message through a connection allocates nothing; an idle connection holds no buffer.</summary>
public sealed class ConnectionAllocationTests : ConnectionTest
{
    private const int Messages = 5_000;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Echo_InSteadyState_AllocatesNothingOnTheLoop(bool inline)
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection(new() { Scheduler = inline ? PipeScheduler.Inline : PipeScheduler.ThreadPool });
        using (peer)
        {
            Task echo = Task.Run(() => EchoAsync(connection));
            byte[] message = new byte[64];
            using var bytes = new AllocatedBytes(Loop);
            bytes.AssertNone(Messages, () =>
            {
                for (int i = 0; i < Messages; i++)
                {
                    Libc.Send(peer.Descriptor, message);
                    while (!Libc.Receive(peer.Descriptor, message).IsSuccess)
                        Thread.Yield();
                }
            });
            peer.Dispose();
            await echo.WaitAsync(TestTimeout);
        }
    }

    [Fact]
    public async Task Idle_AfterTraffic_HoldsLessThan2KiBEach()
    {
        const int pairOfHandles = 2 * 64; // the peers' ends are the test's own
        long each = -1;
        // Less than nothing: meanwhile a pool gave back what earlier tests had left in it, and the figure says nothing of the connections.
        for (int attempt = 0; each < 0 && attempt < 5; attempt++)
            each = await MeasureIdleAsync();
        Assert.InRange(each, 0, 2048 + pairOfHandles);
    }

    private async Task<long> MeasureIdleAsync()
    {
        const int count = 300;
        UnixStreamConnection[] connections = new UnixStreamConnection[count];
        UnixHandle[] peers = new UnixHandle[count];
        await ExchangeAsync(connections, peers, 0, 10); // what is made once
        long before = GC.GetTotalMemory(forceFullCollection: true);
        await ExchangeAsync(connections, peers, 10, count);
        long after = GC.GetTotalMemory(forceFullCollection: true);
        foreach (UnixHandle peer in peers)
            peer.Dispose();
        foreach (UnixStreamConnection connection in connections)
            await connection.DisposeAsync();
        return (after - before) / (count - 10);
    }

    private async Task ExchangeAsync(UnixStreamConnection[] connections, UnixHandle[] peers, int from, int to)
    {
        for (int i = from; i < to; i++)
        {
            (connections[i], peers[i]) = NewConnection();
            _ = EchoAsync(connections[i]);
            Send(peers[i], "hello");
            ReceiveText(peers[i], 5);
        }
        await SettleAsync();
    }

    private static async Task EchoAsync(UnixStreamConnection connection)
    {
        await using (connection)
        {
            while (true)
            {
                ReadResult read = await connection.Input.ReadAsync();
                foreach (ReadOnlyMemory<byte> segment in read.Buffer)
                    await connection.Output.WriteAsync(segment);
                connection.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    return;
            }
        }
    }
}
