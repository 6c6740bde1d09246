using System.Diagnostics.Metrics;
using System.IO.Pipelines;
using UnixLoop.Interop;
using UnixLoop.Transports;
using UnixLoop.Transports.UnixSockets;

namespace UnixLoop.Loop.Tests.UnixSockets;

/// <summary>The list of a loop's outputs that hold flushed bytes back, at the moments at which it is opened, emptied and closed.</summary>
public sealed class DeferredOutputsTests() : CoalescingTest(new() { CoalesceFlushes = true })
{
    [Fact]
    public async Task BytesThatCome_OpenTheList_OfALoopThatWasAtRest()
    {
        AtRest();
        int? timers = null;
        using MeterListener listener = OnFirst("receive", () => timers = Loop.GetStatistics().Timers);
        TakeRequestOf(Connection, Peer, sent: 1);
        await SettleAsync();
        Assert.Equal(1, timers);
        AtRest();
    }

    [Fact]
    public async Task Flush_WhileTheListIsEmptied_IsSentByTheNextTimer()
    {
        (UnixStreamConnection other, UnixHandle peer) = NewConnection(new() { CoalesceFlushes = true });
        await using (other)
        using (peer)
        {
            TakeRequestOf(Connection, Peer, sent: 2);
            TakeRequestOf(other, peer, sent: 2);
            long? sends = null;
            using MeterListener listener = OnFirst("transmit", () =>
            {
                Flush("two", other); // on the loop, which has taken the list and goes through it
                sends = other.GetStatistics().Writes;
            });
            using (Held held = new(Connection))
                Flush("one");
            Assert.Equal("one", ReceiveText(Peer, 3));
            Assert.Equal("two", ReceiveText(peer, 3));
            Assert.Equal(0, sends);
            AtRest();
        }
    }

    /// <summary>Who has joined relies on the timer.</summary>
    [Fact]
    public void Close_WithAnOutputThatHasJoined_IsRefused()
    {
        TakeRequestOf(Connection, Peer, sent: 2);
        using (Held held = new(Connection))
        {
            Flush("one");
            Assert.False(DeferredOutputs.Of(Loop).TryClose());
        }
        Assert.Equal("one", ReceiveText(Peer, 3));
        AtRest();
    }

    /// <summary>An output that is sent by the list joins it again meanwhile.</summary>
    [Fact]
    public void Flush_OfTheOutputThatIsBeingSent_IsSentByTheNextTimer()
    {
        TakeRequestOf(Connection, Peer, sent: 3);
        long? sends = null;
        using MeterListener listener = OnFirst("transmit", () =>
        {
            Assert.True(Connection.Input.TryRead(out ReadResult read));
            Connection.Input.AdvanceTo(read.Buffer.GetPosition(1));
            Flush("two");
            sends = Connection.GetStatistics().Writes;
        });
        using (Held held = new(Connection))
            Flush("one");
        Assert.Equal("onetwo", ReceiveText(Peer, 6));
        Assert.Equal(1, sends);
        AtRest();
    }

    /// <summary>Once, on the thread that has sent or received, off the connection's locks.</summary>
    private MeterListener OnFirst(string direction, Action action)
    {
        Action? next = action;
        MeterListener listener = new()
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter == Loop.Meter && instrument.Name == "unixloop.connections.io")
                    self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) =>
        {
            if (tags[1].Value is string value && value == direction)
                Interlocked.Exchange(ref next, null)?.Invoke();
        });
        listener.Start();
        return listener;
    }
}
