using System.Diagnostics.Metrics;

namespace UnixLoop.Loop.Tests.Subprocesses;

/// <summary>A listener of the metrics is called right where a figure is taken: what it throws costs the figure, and nothing else.</summary>
public sealed class ThrowingListenerTests : SubprocessTest
{
    private volatile bool _endsThrow;

    [Fact]
    public async Task StartAndExit_ListenerThrows_AreToldAllTheSame()
    {
        using MeterListener listener = Listen();
        await using ISubprocess child = await Factory.StartAsync(Shell("exit 3")).AsTask().WaitAsync(TestTimeout);
        Assert.Equal(3, (await child.WaitForExitAsync().WaitAsync(TestTimeout)).ExitCode);
        Assert.Equal(4, (await RunAsync(Shell("exit 4"))).Exit.ExitCode);
    }

    [Fact]
    public async Task Stop_ListenerThrows_EndsWithTheChild()
    {
        using MeterListener listener = Listen();
        await using ISubprocess child = await Factory.StartAsync(Sleep()).AsTask().WaitAsync(TestTimeout);
        Assert.Equal(UnixSignal.Term, (await child.StopAsync(TestTimeout).WaitAsync(TestTimeout)).Signal);
    }

    [Fact]
    public async Task StartThatFails_ListenerThrows_IsTheStartsError()
    {
        using MeterListener listener = Listen();
        var e = await Assert.ThrowsAsync<SubprocessStartException>(() => RunAsync(new("/no/such/program")));
        Assert.Equal("ENOENT", e.ErrorName);
    }

    [Fact]
    public async Task LoopTurns_ListenerThrows_TheLoopRunsOnAndEnds()
    {
        await using var loop = new UnixEventLoop();
        using MeterListener listener = Listen(loop.Meter);
        await loop.StartAsync();
        for (int turn = 0; turn < 3; turn++)
            await loop.InvokeAsync(() => { }).WaitAsync(TestTimeout);
        // Its meter goes with it, which listeners are told as well.
        _endsThrow = true;
        await loop.StopAsync().WaitAsync(TestTimeout);
        await loop.Completion.WaitAsync(TestTimeout);
        _endsThrow = false;
    }

    private MeterListener Listen(Meter? meter = null)
    {
        meter ??= Loop.Meter;
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter == meter)
                    self.EnableMeasurementEvents(instrument);
            },
            MeasurementsCompleted = (_, _) =>
            {
                if (_endsThrow)
                    throw new InvalidTimeZoneException("a listener's");
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => throw new InvalidTimeZoneException("a listener's"));
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => throw new InvalidTimeZoneException("a listener's"));
        listener.Start();
        return listener;
    }
}
