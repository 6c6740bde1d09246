using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets.Datagrams;

/// <summary>Where code goes on that awaits a datagram, and that each result is taken once.</summary>
public sealed class ContinueOnLoopTests : DatagramTest
{
    private static readonly UnixDatagramSocketOptions OnLoop = new() { ContinueOnLoop = true };

    [Theory, InlineData("cancel"), InlineData("dispose"), InlineData("cancel on the loop"), InlineData("dispose on the loop")]
    public async Task ContinueOnLoop_ReceiveEndsFromOutside_GoesOnOnTheLoop(string how)
    {
        (_, UnixDatagramSocket other) = Pair(OnLoop);
        using CancellationTokenSource cancel = new();
        Probe probe = new(Loop);
        Task waiting = probe.WhenEnded(async () => await other.ReceiveAsync(new byte[1], cancel.Token).ConfigureAwait(false));
        await EndAsync(how, other, cancel);
        await waiting.WaitAsync(TestTimeout, CancellationToken.None);
        probe.AssertWentOnOnTheLoop();
    }

    [Theory, InlineData("cancel"), InlineData("dispose"), InlineData("cancel on the loop"), InlineData("dispose on the loop")]
    public async Task ContinueOnLoop_SendEndsFromOutside_GoesOnOnTheLoop(string how)
    {
        (UnixDatagramSocket one, _) = Pair(OnLoop);
        Fill(one);
        using CancellationTokenSource cancel = new();
        Probe probe = new(Loop);
        Task waiting = probe.WhenEnded(async () => await one.SendAsync("late"u8.ToArray(), cancel.Token).ConfigureAwait(false));
        await EndAsync(how, one, cancel);
        await waiting.WaitAsync(TestTimeout, CancellationToken.None);
        probe.AssertWentOnOnTheLoop();
    }

    [Fact]
    public async Task Send_AwaitedTwice_ThrowsAndSharesNothing()
    {
        (UnixDatagramSocket one, UnixDatagramSocket other) = Pair();
        Fill(one);
        ValueTask first = one.SendAsync("first"u8.ToArray());
        Eventually.True(
            () =>
            {
                Drain(other);
                return first.IsCompleted;
            },
            "the send");
#pragma warning disable CA2012 // the mistake is what is tested
        await first;
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await first);
#pragma warning restore CA2012

        Fill(one);
        ValueTask second = one.SendAsync("second"u8.ToArray()), third = one.SendAsync("third"u8.ToArray());
        Task both = Task.WhenAll(second.AsTask(), third.AsTask());
        Eventually.True(
            () =>
            {
                Drain(other);
                return both.IsCompleted;
            },
            "both sends");
        await both;
    }

    [Fact]
    public async Task Receive_AwaitedTwice_ThrowsAndGivesNothingAgain()
    {
        (UnixDatagramSocket one, UnixDatagramSocket other) = Pair();
        ValueTask<UnixDatagramReceiveResult> receive = other.ReceiveAsync(new byte[10]);
        await one.SendAsync("x"u8.ToArray());
        Eventually.True(() => receive.IsCompleted, "the datagram");
#pragma warning disable CA2012 // the mistake is what is tested
        Assert.Equal(1, (await receive).Length);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await receive);
#pragma warning restore CA2012
        await one.SendAsync("next"u8.ToArray());
        Assert.Equal("next", await ReceiveTextAsync(other));
    }

    private async Task EndAsync(string how, UnixDatagramSocket socket, CancellationTokenSource cancel)
    {
        void End()
        {
            Probe.IsEnding = true;
            if (how.StartsWith("cancel", StringComparison.Ordinal))
                cancel.Cancel();
            else
                socket.DisposeAsync().AsTask().Wait(TestTimeout, CancellationToken.None);
            Probe.IsEnding = false;
        }

        if (how.EndsWith("on the loop", StringComparison.Ordinal))
            await Loop.InvokeAsync(End).WaitAsync(TestTimeout, CancellationToken.None);
        else
            await Task.Run(End, CancellationToken.None).WaitAsync(TestTimeout, CancellationToken.None);
    }

    private sealed class Probe(UnixEventLoop loop)
    {
        private bool _wasOnLoop;
        private bool _wasInsideTheCall;

        /// <summary>Set by the thread that ends the wait, while it is in that call.</summary>
        [ThreadStatic]
        private static bool s_isEnding;

        internal static bool IsEnding
        {
            get => s_isEnding;
            set => s_isEnding = value;
        }

        internal async Task WhenEnded(Func<Task> wait)
        {
            try
            {
                await wait().ConfigureAwait(false);
                Assert.Fail("it ended as if nothing had happened");
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                (_wasOnLoop, _wasInsideTheCall) = (loop.IsOnLoopThread, IsEnding);
            }
        }

        internal void AssertWentOnOnTheLoop()
        {
            Assert.True(_wasOnLoop, "it went on on another thread");
            Assert.False(_wasInsideTheCall, "it went on inside the call that ended it");
        }
    }
}
