using Microsoft.Extensions.Time.Testing;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Loop.Tests.Pipes;

/// <summary>Edges need a timer behind them, which another clock than the system's may never let fire.</summary>
public sealed class GrownPipeOnAnotherClockTests : GrownPipeTest
{
    protected override UnixEventLoopSettings Settings => new() { LoggerFactory = Loggers, TimeProvider = new FakeTimeProvider() };

    [Fact]
    public async Task Rule13_AGrownPipeOnAnotherClock_StaysLevelTriggered()
    {
        (ReadPump pump, _) = await StartGrownAsync();
        Assert.Equal(Levels, RegisteredEvents());
        await FillOnTheLoopAsync();
        Assert.Equal(Levels, RegisteredEvents());
        Assert.Equal(0, Loop.GetStatistics().Timers);
        pump.Close(null);
        WriteEnd.Dispose();
    }
}
