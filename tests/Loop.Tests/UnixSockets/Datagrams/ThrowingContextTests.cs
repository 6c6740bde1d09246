using System.Text;
using UnixLoop.Loop.Tests.Loops;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets.Datagrams;

/// <summary>
/// A context that takes no work any more kept the socket open, and its file where it was; whoever awaited was not told, nor were the
/// senders behind it. They go on on the pool.
/// </summary>
public sealed class ThrowingContextTests : DatagramTest
{
    private Func<Task> _assertReported = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _assertReported = ThrowingContext.ExpectReport(Loop);
    }

    [Fact]
    public async Task Dispose_TheReceiversContextThrows_ClosesAndTellsAllTheSame()
    {
        UnixDatagramSocket socket = await BindAsync(At("server"));
        Task receiving = ThrowingContext.Within(async () => await socket.ReceiveAsync(new byte[1]));
        await socket.DisposeAsync();
        Assert.False(File.Exists(PathOf("server")));
        Assert.Equal(0, Loop.GetStatistics().WatchedDescriptors);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => receiving.WaitAsync(TestTimeout));
        await _assertReported();
    }

    [Fact]
    public async Task Dispose_AnAwaiterThrowsInAContextThatRunsAtOnce_ClosesAndTellsTheOthers()
    {
        UnixDatagramSocket peer = await BindAsync(At("peer"));
        UnixDatagramSocket socket = await BindAsync(At("server"));
        Fill(socket, peer.LocalAddress);
        Task sending = socket.SendToAsync("late"u8.ToArray(), peer.LocalAddress).AsTask();
        AtOnce.Within(() => ThrowAfter(socket.ReceiveAsync(new byte[1])));
        await socket.DisposeAsync();
        Assert.False(File.Exists(PathOf("server")));
        Assert.Equal(1, Loop.GetStatistics().WatchedDescriptors); // the peer's
        await Assert.ThrowsAsync<ObjectDisposedException>(() => sending.WaitAsync(TestTimeout));
        await _assertReported();

        static void ThrowAfter(ValueTask<UnixDatagramReceiveResult> receive) =>
            receive.GetAwaiter().UnsafeOnCompleted(static () => throw new InvalidOperationException(ThrowingContext.Message));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Send_TheFirstSendersContextThrows_AllAreSentAndTold(bool isConnected)
    {
        UnixDatagramSocket server = await BindAsync(At("server"));
        UnixDatagramSocket client = isConnected ? Connected(server.LocalAddress) : Keep(UnixDatagramSocket.Create(Loop));
        UnixSocketAddress? destination = isConnected ? null : server.LocalAddress;
        Fill(client, destination);
        Task first = ThrowingContext.Within(async () => await SendAsync("first"));
        Task second = SendAsync("second").AsTask();
        while (await ReceiveTextAsync(server) != "second")
        {
        }
        await first.WaitAsync(TestTimeout);
        await second.WaitAsync(TestTimeout);
        await _assertReported();

        ValueTask SendAsync(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            return destination is null ? client.SendAsync(bytes) : client.SendToAsync(bytes, destination);
        }
    }

    [Fact]
    public async Task Send_AnAwaiterOnTheLoopThrows_ThoseBehindAreTold()
    {
        UnixDatagramSocket server = await BindAsync(At("server"));
        UnixDatagramSocket client = Connected(server.LocalAddress, new() { ContinueOnLoop = true });
        Fill(client);
        ThrowAfter(client.SendAsync("first"u8.ToArray()));
        Task second = client.SendAsync("second"u8.ToArray()).AsTask();
        while (await ReceiveTextAsync(server) != "second")
        {
        }
        await second.WaitAsync(TestTimeout);
        await _assertReported();

        static void ThrowAfter(ValueTask send) => send.GetAwaiter().UnsafeOnCompleted(static () => throw new InvalidOperationException(ThrowingContext.Message));
    }

    private sealed class AtOnce : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state) => d(state);

        internal static void Within(Action call)
        {
            SynchronizationContext? own = Current;
            SetSynchronizationContext(new AtOnce());
            try
            {
                call();
            }
            finally
            {
                SetSynchronizationContext(own);
            }
        }
    }
}
