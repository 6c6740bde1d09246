using System.IO.Pipelines;
using System.Net.Sockets;
using UnixLoop.Fault.Tests.Injection;
using UnixLoop.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Issues;

/// <summary>A send failed after its flush had returned: the output was over and nobody was told, neither the reader nor the peer, who both waited for ever.</summary>
public sealed class LateSendFailureTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    [Fact]
    public async Task Send_FailsAfterItsFlush_EndsTheConnection()
    {
        await using var loop = new UnixEventLoop();
        await loop.StartAsync().WaitAsync(TestTimeout);
        PosixError.ThrowIfError(Libc.UnixSocketPair(SOCK_STREAM, out int ours, out int theirs), "socketpair");
        using Socket peer = new(new SafeSocketHandle(theirs, ownsHandle: true)); // which meets no faults
        await using UnixStreamConnection connection = UnixStreamConnection.FromSocket(loop, new UnixHandle(ours));
        Task<ReadResult> read = connection.Input.ReadAsync().AsTask();
        while (Libc.Send(connection.Descriptor, new byte[4096]).IsSuccess)
        {
        }
        // The first two: the write and the flush find the socket full. The third is the loop's.
        using FaultScope fault = FaultScope.Fail("send", ENOBUFS, occurrence: 3);
        await connection.Output.WriteAsync(new byte[1]).AsTask().WaitAsync(TestTimeout);
        byte[] buffer = new byte[65536];
        while (await peer.ReceiveAsync(buffer.AsMemory()).AsTask().WaitAsync(TestTimeout) > 0)
        {
        }

        IOException failure = await Assert.ThrowsAnyAsync<IOException>(() => read.WaitAsync(TestTimeout));
        Assert.Equal(ENOBUFS, failure.HResult);
        Assert.NotNull(fault.Plan.ReachedAt);
        Assert.True(connection.Closed.IsCancellationRequested);
    }

    public void Dispose() => _leaks.Dispose();
}
