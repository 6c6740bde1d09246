using UnixLoop.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets.Datagrams;

/// <summary>Awaiting what must be awaited once, and on a loop that never runs.</summary>
public sealed class AwaiterTests : DatagramTest
{
    [Fact]
    public async Task Receive_AwaitedByASecond_TheFirstGetsIt()
    {
        (UnixDatagramSocket one, UnixDatagramSocket other) = Pair();
        Task<UnixDatagramReceiveResult> first = AwaitTwice(other.ReceiveAsync(new byte[4]));
        Assert.True(one.TrySend("x"u8));
        Assert.Equal(1, (await first.WaitAsync(TestTimeout)).Length);

        static Task<UnixDatagramReceiveResult> AwaitTwice(ValueTask<UnixDatagramReceiveResult> receive)
        {
            Task<UnixDatagramReceiveResult> first = receive.AsTask();
            Assert.Throws<InvalidOperationException>(() => { _ = receive.AsTask(); });
            return first;
        }
    }

    [Fact]
    public async Task Send_AwaitedByASecond_TheFirstIsTold()
    {
        (UnixDatagramSocket one, UnixDatagramSocket other) = Pair();
        Fill(one);
        Task first = AwaitTwice(one.SendAsync("x"u8.ToArray()));
        Drain(other);
        await first.WaitAsync(TestTimeout);

        static Task AwaitTwice(ValueTask send)
        {
            Task first = send.AsTask();
            Assert.Throws<InvalidOperationException>(() => { _ = send.AsTask(); });
            return first;
        }
    }

    [Fact]
    public async Task ContinueOnLoop_CancelledOnALoopThatNeverRuns_IsTold()
    {
        UnixEventLoop idle = new(Settings);
        PosixError.ThrowIfError(Libc.UnixSocketPair(SOCK_DGRAM, out int one, out int other), "socketpair");
        using UnixHandle peer = new(other);
        await using UnixDatagramSocket socket = UnixDatagramSocket.FromSocket(idle, new UnixHandle(one), new() { ContinueOnLoop = true });
        using CancellationTokenSource cancel = new();
        Task waiting = socket.ReceiveAsync(new byte[1], cancel.Token).AsTask();
        await cancel.CancelAsync();
        await idle.DisposeAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(TestTimeout, CancellationToken.None));
    }
}
