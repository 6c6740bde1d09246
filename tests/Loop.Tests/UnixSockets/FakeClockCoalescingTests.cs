using Microsoft.Extensions.Time.Testing;

namespace UnixLoop.Loop.Tests.UnixSockets;

/// <summary>The time of a clock that a test has made stands still: nothing may wait for it.</summary>
public sealed class FakeClockCoalescingTests() : CoalescingTest(new() { CoalesceFlushes = true })
{
    protected override UnixEventLoopSettings Settings => new() { TimeProvider = new FakeTimeProvider(), LoggerFactory = Loggers };

    [Fact]
    public void Flush_WhileTheInputHoldsMore_SendsItself()
    {
        TakeRequestOf(Connection, Peer, sent: 2);
        using Held held = new(Connection);
        Flush("one");
        Assert.Equal("one", ReceiveNow());
    }
}
