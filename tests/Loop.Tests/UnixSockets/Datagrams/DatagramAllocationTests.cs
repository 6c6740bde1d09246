using UnixLoop.Loop.Tests.Allocations;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets.Datagrams;

public sealed class DatagramAllocationTests : DatagramTest
{
    private const int Count = 10_000;
    private readonly byte[] _data = new byte[100];
    private readonly byte[] _buffer = new byte[200];

    [Fact]
    public async Task SendAndReceive_NamedPeersWithoutWaits_AllocateNothing()
    {
        UnixDatagramSocket server = await BindAsync(At("server"));
        UnixDatagramSocket client = await BindAsync(At("client"));
        using var bytes = new AllocatedBytes(Loop);
        bytes.AssertNone(Count, () =>
        {
            for (int i = 0; i < Count; i++)
            {
                Assert.True(client.TrySend(_data, server.LocalAddress));
                Assert.True(server.TryReceive(_buffer, out UnixDatagramReceiveResult got));
                Assert.True(got.Sender.Equals(client.LocalAddress));
            }
        });
    }

    [Fact]
    public async Task ReceiveThatWaits_ContinuingOnTheLoop_AllocatesNothing()
    {
        UnixDatagramSocket server = await BindAsync(At("server"), new() { ContinueOnLoop = true });
        UnixDatagramSocket client = Connected(server.LocalAddress);
        using var bytes = new AllocatedBytes(Loop);
        int sent = 0;
        int received = 0;
        using var one = new AutoResetEvent(false);
        Task receiving = ReceiveAllAsync();
        bytes.AssertNone(Count, () =>
        {
            for (int i = 0; i < Count; i++)
            {
                Assert.True(client.TrySend(_data));
                sent++;
                Assert.True(one.WaitOne(TestTimeout));
            }
        });
        await server.DisposeAsync();
        await Assert.ThrowsAnyAsync<ObjectDisposedException>(() => receiving.WaitAsync(TestTimeout));
        Assert.Equal(sent, received);

        async Task ReceiveAllAsync()
        {
            while (true)
            {
                await server.ReceiveAsync(_buffer).ConfigureAwait(false);
                received++;
                one.Set();
            }
        }
    }

    [Fact]
    public async Task SendThatWaits_ContinuingOnTheLoop_AllocatesNothing()
    {
        UnixDatagramSocket server = await BindAsync(At("server"));
        UnixDatagramSocket client = Connected(server.LocalAddress, new() { ContinueOnLoop = true });
        using var bytes = new AllocatedBytes(Loop);
        Task sending = SendAllAsync();
        bytes.AssertNone(Count, () =>
        {
            for (int i = 0; i < Count;)
            {
                if (server.TryReceive(_buffer, out _))
                    i++;
                else
                    Thread.Yield();
            }
        });
        await client.DisposeAsync();
        await Assert.ThrowsAnyAsync<ObjectDisposedException>(() => sending.WaitAsync(TestTimeout));

        async Task SendAllAsync()
        {
            while (true)
                await client.SendAsync(_data).ConfigureAwait(false);
        }
    }
}
