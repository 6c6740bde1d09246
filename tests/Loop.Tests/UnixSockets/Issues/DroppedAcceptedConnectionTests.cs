using System.Runtime.CompilerServices;
using Microsoft.Extensions.Time.Testing;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.UnixSockets.Listening;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets.Issues;

/// <summary>A listener held its accepted connections: one that was dropped kept its descriptor for as long as the listener lived. And its disposal waited without a bound.</summary>
public sealed class DroppedAcceptedConnectionTests : ListenerTest
{
    private readonly FakeTimeProvider _clock = new();

    protected override UnixEventLoopSettings Settings => new() { LoggerFactory = Loggers, TimeProvider = _clock };

    [Fact]
    public async Task Dropped_AcceptedConnection_IsClosedAndItsPlaceIsFree()
    {
        await using UnixStreamListener listener = await BindAsync(SocketPath, new() { ConnectionLimit = 1 });
        using UnixHandle dropped = RawSocket.Connected(SocketPath), next = RawSocket.Connected(SocketPath);
        AcceptAndDrop(listener);
        Task<UnixStreamConnection?> second = listener.AcceptAsync().AsTask();

        CollectUntil(() => second.IsCompleted, "the place under the limit");

        Eventually.True(() => Log.GetSnapshot().Any(entry => entry.Id.Name == "ConnectionLeaked"), "the line, which comes last");
        Assert.Equal(0, ConnectionTest.ReceiveEnd(dropped).IntValue);
        await using UnixStreamConnection connection = (await second)!;
        Assert.Contains("1 connections", listener.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WaitClosed_ConnectionWasDropped_EndsWithItsCollection()
    {
        UnixStreamListener listener = await BindAsync(SocketPath);
        using UnixHandle client = RawSocket.Connected(SocketPath);
        AcceptAndDrop(listener);
        listener.Close();
        Task closed = listener.WaitClosedAsync();
        CollectUntil(() => closed.IsCompleted, "the last connection's end");
        await closed;
    }

    [Theory, InlineData("close"), InlineData("abort"), InlineData("dispose")]
    public async Task Ends_OfTheListener_ReachConnectionsThatWereDroppedAndNotCollected(string how)
    {
        UnixStreamListener listener = await BindAsync(SocketPath);
        using UnixHandle client = RawSocket.Connected(SocketPath);
        AcceptAndDrop(listener);
        if (how == "close")
            listener.CloseClients();
        else if (how == "abort")
            listener.AbortClients();
        else
            await DisposeAsync(listener);
        Assert.Equal(0, ConnectionTest.ReceiveEnd(client).IntValue);
        await DisposeAsync(listener);
    }

    [Fact]
    public async Task DisposeAsync_CollectedConnectionIsNotYetFinalized_WaitsNoLongerThanItSays()
    {
        UnixStreamListener listener = await BindAsync(SocketPath);
        using UnixHandle client = RawSocket.Connected(SocketPath);
        Task disposal;
        using (ManualResetEventSlim isHeldUp = new(), release = new())
        {
            HoldFinalizersUp(isHeldUp, release);
            Eventually.True(
                () =>
                {
                    GC.Collect();
                    return isHeldUp.IsSet;
                },
                "the finalizers' thread");
            AcceptAndDrop(listener);
            GC.Collect();
            try
            {
                disposal = listener.DisposeAsync().AsTask();
                Eventually.True(
                    () =>
                    {
                        _clock.Advance(TimeSpan.FromSeconds(1));
                        return disposal.IsCompleted;
                    },
                    "the disposal");
            }
            finally
            {
                release.Set();
                GC.WaitForPendingFinalizers();
            }
        }
        await disposal;
        await listener.WaitClosedAsync().WaitAsync(TestTimeout);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void HoldFinalizersUp(ManualResetEventSlim isHeldUp, ManualResetEventSlim release) => _ = new Holder(isHeldUp, release);

    /// <summary>Apart, so that no local or state machine of the test keeps it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AcceptAndDrop(UnixStreamListener listener) =>
        Assert.True(AcceptAsync(listener).ContinueWith(static accepted => accepted.Result is not null, TaskScheduler.Default).Wait(TestTimeout));

    private static void CollectUntil(Func<bool> condition, string expectation) =>
        Eventually.True(
            () =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return condition();
            },
            expectation);

    private sealed class Holder(ManualResetEventSlim isHeldUp, ManualResetEventSlim release)
    {
        ~Holder()
        {
            isHeldUp.Set();
            release.Wait(TestTimeout);
        }
    }
}
