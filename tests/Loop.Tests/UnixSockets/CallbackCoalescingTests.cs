using System.IO.Pipelines;
using System.Text;
using UnixLoop.Interop;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets;

/// <summary><see cref="UnixStreamConnectionOptions.CoalesceFlushes"/> on the thread pool: what the reading code flushes before it returns, and what sends it if it does not.</summary>
public sealed class CallbackCoalescingTests() : CoalescingTest(new() { CoalesceFlushes = true })
{
    [Fact]
    public Task Flushes_OfOneCallback_AreOneSendAtItsEnd() => InCallbackAsync(
        () =>
        {
            Flush("head");
            Flush("body");
            Assert.Equal("", ReceiveNow());
        },
        afterwards: () =>
        {
            Assert.Equal("headbody", ReceiveText(Peer, 8));
            AssertWrites(1);
        });

    [Fact]
    public Task Flushes_BeforeAReadThatWaits_AreOneSend() => InCallbackAsync(() =>
    {
        Flush("head");
        Flush("body");
        ValueTask<ReadResult> read = Connection.Input.ReadAsync();
        Assert.False(read.IsCompleted);
        Assert.Equal("headbody", ReceiveNow());
        Assert.Equal(1, Connection.GetStatistics().Writes);
        Connection.Input.CancelPendingRead();
        Assert.True(read.Result.IsCanceled);
    });

    /// <summary>As TLS makes them, from each flush of the code above it.</summary>
    [Fact]
    public Task Writes_OfOneCallback_AreOneSend() => InCallbackAsync(
        () =>
        {
            foreach (string part in (string[])["head", "body"])
                Assert.True(Connection.Output.WriteAsync(Encoding.ASCII.GetBytes(part)).AsTask().IsCompletedSuccessfully);
            Assert.Equal("", ReceiveNow());
        },
        afterwards: () =>
        {
            Assert.Equal("headbody", ReceiveText(Peer, 8));
            AssertWrites(1);
        });

    /// <summary>Code that goes away to wait does not take its flush with it.</summary>
    [Fact]
    public async Task Flush_BeforeAnAwait_IsSent_AndAfterItAtOnce()
    {
        TaskCompletionSource more = NewSignal();
        Held? first = null;
        try
        {
            Task answered = AnswerAsync();
            Send(Peer, "r");
            Assert.Equal("head", ReceiveText(Peer, 4)); // it waits: the loop does nothing
            first!.Dispose();
            more.SetResult();
            await answered.WaitAsync(TestTimeout);
            Assert.Equal("body", ReceiveNow());
        }
        finally
        {
            first?.Dispose();
        }

        async Task AnswerAsync()
        {
            ReadResult read = await Connection.Input.ReadAsync().ConfigureAwait(false);
            Connection.Input.AdvanceTo(read.Buffer.End);
            first = new Held(Connection);
            Flush("head");
            await more.Task.ConfigureAwait(false);
            using Held held = new(Connection);
            Flush("body");
            Assert.Equal(2, Connection.GetStatistics().Writes);
        }
    }

    [Fact]
    public async Task Flush_OfACallbackThatBlocks_IsSentByTheLoop()
    {
        using ManualResetEventSlim arrived = new();
        Task callback = StartCallbackAsync(() =>
        {
            using (Held held = new(Connection))
                Flush("head");
            Assert.True(arrived.Wait(TestTimeout), "not sent while the callback blocks");
        });
        Send(Peer, "r");
        Assert.Equal("head", ReceiveText(Peer, 4));
        arrived.Set();
        await callback.WaitAsync(TestTimeout);
    }

    /// <summary>It stands in the loop's list still, for a flush that was sent otherwise.</summary>
    [Fact]
    public async Task SecondFlush_OfACallbackThatBlocks_IsSentByTheLoopToo()
    {
        TaskCompletionSource flushed = NewSignal();
        using ManualResetEventSlim arrived = new();
        Task callback = StartCallbackAsync(() =>
        {
            using (Held held = new(Connection))
            {
                Flush("one");
                ValueTask<ReadResult> read = Connection.Input.ReadAsync();
                Assert.Equal("one", ReceiveNow());
                Connection.Input.CancelPendingRead();
                Connection.Input.AdvanceTo(read.Result.Buffer.End);
                Flush("two");
                Assert.Equal("", ReceiveNow());
            }
            flushed.SetResult();
            Assert.True(arrived.Wait(TestTimeout), "not sent while the callback blocks");
        });
        Send(Peer, "r");
        await await Task.WhenAny(flushed.Task, callback).WaitAsync(TestTimeout); // before that the callback receives
        Assert.Equal("two", ReceiveText(Peer, 3));
        arrived.Set();
        await callback.WaitAsync(TestTimeout);
    }

    [Fact]
    public Task Flush_WithTheLoopAtRest_SendsItself() => RunAsync(() =>
    {
        AtRest();
        Flush("one");
        Assert.Equal("one", ReceiveNow());
    });

    [Fact]
    public Task Flush_OfAnotherThreadDuringTheCallback_SendsItself() => InCallbackAsync(() =>
    {
        OnAnotherThread(() => Flush("elsewhere"));
        Assert.Equal("elsewhere", ReceiveNow());
    });

    [Fact]
    public Task Flush_OfAnotherThreadAfterOneOfTheCallback_GoesWithIt() => InCallbackAsync(
        () =>
        {
            Flush("one");
            OnAnotherThread(() => Flush("two"));
            Assert.Equal("", ReceiveNow());
        },
        afterwards: () =>
        {
            Assert.Equal("onetwo", ReceiveText(Peer, 6));
            AssertWrites(1);
        });

    [Fact]
    public async Task Flush_ToAnotherConnection_SendsItself()
    {
        (UnixStreamConnection other, UnixHandle peer) = NewConnection(new() { CoalesceFlushes = true });
        await using (other)
        using (peer)
        {
            await InCallbackAsync(() =>
            {
                Flush("there", other);
                Assert.Equal("there", ReceiveNow(peer));
            });
        }
    }

    [Fact]
    public Task Flushes_OfMoreThan16KiB_AreSentByTheOneThatReachesThem() => InCallbackAsync(() =>
    {
        Flush(new string('a', 16 * 1024));
        Assert.Equal("", ReceiveNow());
        Flush("b");
        Assert.Equal((16 * 1024) + 1, ReceiveNow().Length);
    });

    [Fact]
    public Task Abort_SendsWhatWasLeft_AndFailsWhatFollows() => InCallbackAsync(() =>
    {
        Flush("one");
        Connection.Abort(new InvalidOperationException("of the test"));
        Assert.Equal("one", ReceiveNow());
        Assert.Equal(0, ReceiveEnd(Peer).Value);
        Assert.IsType<InvalidOperationException>(BeginFlush("two", Connection).Exception!.InnerException);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task End_SendsWhatWasLeft(bool completed) => InCallbackAsync(() =>
    {
        Flush("one");
        if (completed)
            Connection.Output.Complete();
        else
            OnAnotherThread(() => Assert.True(Connection.DisposeAsync().AsTask().Wait(TestTimeout)));
        Assert.Equal("one", ReceiveNow());
        Assert.Equal(0, ReceiveEnd(Peer).Value);
    });

    [Fact]
    public async Task LoopEnd_SendsWhatWasLeft()
    {
        Task? stopped = null;
        Task callback = StartCallbackAsync(() =>
        {
            using (Held held = new(Connection))
            {
                Flush("one");
                stopped = Loop.StopAsync(); // no timer fires after this
            }
            Assert.True(Loop.Completion.Wait(TestTimeout), "the loop goes on");
            Assert.True(BeginFlush("two", Connection).IsFaulted);
        });
        Send(Peer, "r");
        await callback.WaitAsync(TestTimeout);
        await stopped!.WaitAsync(TestTimeout);
        Assert.Equal("one", ReceiveText(Peer, 4)); // and the end
    }

    [Fact]
    public Task CancelledToken_OrFlush_KeepsNothingBack() => InCallbackAsync(
        () =>
        {
            Flush("one");
            Assert.True(BeginFlush("two", Connection, new CancellationToken(canceled: true)).IsCanceled);
            Connection.Output.CancelPendingFlush();
            Assert.True(BeginFlush("three", Connection).Result.IsCanceled);
            Assert.Equal("", ReceiveNow());
        },
        afterwards: () => Assert.Equal("onetwothree", ReceiveText(Peer, 11)));

    [Fact]
    public async Task PeerGone_WithBytesLeft_EndsTheConnection()
    {
        await RunAsync(() =>
        {
            using Held held = new(Connection);
            Flush("one");
            Peer.Dispose();
        });
        await ReadToEndAsync(Connection.Input);
        await ClosedAsync(Connection);
        await Assert.ThrowsAsync<IOException>(() => Connection.Output.WriteAsync(new byte[1]).AsTask());
    }

    /// <summary>The loop then has nothing to do for the sake of flushes.</summary>
    [Fact]
    public async Task AfterTheTraffic_TheLoopSleeps()
    {
        await InCallbackAsync(() => Flush("one"), afterwards: () => ReceiveText(Peer, 3));
        AtRest();
        Assert.Equal(0, await CountIdleTurnsAsync());
    }

    /// <summary>In a callback, while the loop expects flushes and does nothing.</summary>
    private async Task InCallbackAsync(Action action, Action? afterwards = null)
    {
        Held? held = null;
        try
        {
            await RunAsync(() =>
            {
                held = new Held(Connection);
                action();
            });
            afterwards?.Invoke();
        }
        finally
        {
            held?.Dispose();
        }
    }

    private async Task RunAsync(Action action)
    {
        Task callback = StartCallbackAsync(action);
        Send(Peer, "r");
        await callback.WaitAsync(TestTimeout);
        await Task.Yield();
    }

    /// <summary>Within the code that a read's end calls, once there is a byte.</summary>
    private async Task StartCallbackAsync(Action action)
    {
        ReadResult read = await Connection.Input.ReadAsync().ConfigureAwait(false);
        Connection.Input.AdvanceTo(read.Buffer.End);
        Assert.False(Loop.IsOnLoopThread);
        action();
    }

    private static void OnAnotherThread(Action action)
    {
        Task run = Task.Factory.StartNew(action, default, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Assert.True(run.Wait(TestTimeout));
    }
}
