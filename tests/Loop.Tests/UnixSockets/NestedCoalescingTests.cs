using System.IO.Pipelines;
using UnixLoop.Interop;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets;

/// <summary><see cref="UnixStreamConnectionOptions.CoalesceFlushes"/> where callbacks run wherever a scheduler of the user's calls them: within each other, and under its catch.</summary>
public sealed class NestedCoalescingTests() : CoalescingTest(s_options)
{
    private static readonly UnixStreamConnectionOptions s_options = new() { CoalesceFlushes = true, Scheduler = new AtOnce() };

    [Fact]
    public async Task Callback_WithinAnothers_SendsItsOwn_AndTheOuterGoesOn()
    {
        (UnixStreamConnection inner, UnixHandle peer) = NewConnection(s_options);
        await using (inner)
        using (peer)
        {
            using Held held = new(Connection);
            OnRead(inner, () =>
            {
                Flush("inner head ", inner);
                Flush("inner body", inner);
                Assert.Equal("", ReceiveNow(peer));
                Flush("outer from inner ");
                Assert.Equal("", ReceiveNow()); // behind what the outer has left
            });
            bool answered = false;
            OnRead(Connection, () =>
            {
                Flush("outer head ");
                inner.Input.CancelPendingRead();
                Assert.Equal("inner head inner body", ReceiveNow(peer));
                Assert.Equal(1, inner.GetStatistics().Writes);
                Flush("outer body");
                Assert.Equal("", ReceiveNow());
                answered = true;
            });
            Connection.Input.CancelPendingRead();
            Assert.True(answered);
            Assert.Equal("outer head outer from inner outer body", ReceiveNow());
            Assert.Equal(1, Connection.GetStatistics().Writes);
        }
    }

    [Fact]
    public async Task Flush_OfTheOuter_WithinTheInnerSendsItself_AndAfterItIsLeft()
    {
        (UnixStreamConnection inner, UnixHandle peer) = NewConnection(s_options);
        await using (inner)
        using (peer)
        {
            using Held held = new(Connection);
            OnRead(inner, () =>
            {
                Flush("outer");
                Assert.Equal("outer", ReceiveNow());
            });
            OnRead(Connection, () =>
            {
                inner.Input.CancelPendingRead();
                Flush("its own");
                Assert.Equal("", ReceiveNow());
            });
            Connection.Input.CancelPendingRead();
            Assert.Equal("its own", ReceiveNow());
            Assert.Equal(2, Connection.GetStatistics().Writes);
        }
    }

    [Fact]
    public void Callback_ThatThrows_SendsWhatItFlushed_AndIsNoCallbackAnyMore()
    {
        using Held held = new(Connection);
        Exception? reported = null;
        Loop.UnhandledException += context => reported = context.Exception;
        OnRead(Connection, () =>
        {
            Flush("one");
            throw new InvalidOperationException("of the test");
        });
        Connection.Input.CancelPendingRead();
        Assert.Equal("of the test", reported?.Message);
        Assert.Equal("one", ReceiveNow());
        Flush("two");
        Assert.Equal("two", ReceiveNow());
    }

    private static void OnRead(UnixStreamConnection connection, Action answer)
    {
        OnReadOf(connection.Input.ReadAsync());

        void OnReadOf(ValueTask<ReadResult> read) => read.ConfigureAwait(false).GetAwaiter().OnCompleted(answer);
    }

    /// <summary>On the thread that has brought the result, in the midst of what it is doing.</summary>
    private sealed class AtOnce : PipeScheduler
    {
        public override void Schedule(Action<object?> action, object? state) => action(state);
    }
}
