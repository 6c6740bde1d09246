using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace UnixLoop.Loop.Tests.Loops;

public sealed class StatisticsTests : LoopTest
{
    [Fact]
    public async Task GetStatistics_AfterWork_CountsIt()
    {
        UnixEventLoopStatistics before = Loop.GetStatistics();
        for (int i = 0; i < 100; i++)
            Loop.Post(() => { });
        await Loop.InvokeAsync(() => { }).WaitAsync(TestTimeout);
        UnixEventLoopStatistics after = Loop.GetStatistics();
        Assert.Equal(101, after.Posts - before.Posts);
        Assert.True(after.Callbacks - before.Callbacks >= 100);
        Assert.True(after.Turns > before.Turns);
        Assert.InRange(after.Utilization, 0, 1);
        Assert.True(after.IdleTime > TimeSpan.Zero);
        // Posts to a loop that is awake need no descriptor; sooner or later one finds it asleep.
        Eventually.True(
            () =>
            {
                Loop.Post(() => { });
                return Loop.GetStatistics().ReadyDescriptors > before.ReadyDescriptors;
            },
            "a post wakes the loop through its eventfd");
    }

    [Fact]
    public async Task GetStatistics_LoopIsBlocked_ShowsLagAndQueue()
    {
        using var blocked = new ManualResetEventSlim();
        using var entered = new ManualResetEventSlim();
        Loop.Post(() => { entered.Set(); blocked.Wait(); });
        Assert.True(entered.Wait(TestTimeout));
        Loop.Post(() => { });
        Eventually.True(() => Loop.GetStatistics().Lag > TimeSpan.FromMilliseconds(20), "lag grows while the loop is blocked");
        Assert.Equal(1, Loop.GetStatistics().QueueDepth);
        blocked.Set();
        await SettleAsync();
        await SettleAsync();
        Assert.True(Loop.GetStatistics().MaxLag > TimeSpan.FromMilliseconds(20));
    }

    [Fact]
    public async Task Meter_OfTheLoop_HasItsInstruments()
    {
        using var delay = new MetricCollector<double>(null, "UnixLoop", "unixloop.loop.delay");
        using var listener = new MeterListener();
        HashSet<string> seen = [];
        listener.InstrumentPublished = (instrument, l) => { if (instrument.Meter == Loop.Meter) l.EnableMeasurementEvents(instrument); };
        listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) => Note(instrument, tags));
        listener.SetMeasurementEventCallback<int>((instrument, _, tags, _) => Note(instrument, tags));
        listener.Start();
        await SettleAsync();
        await SettleAsync();
        listener.RecordObservableInstruments();
        string[] all;
        lock (seen)
            all = [.. seen];
        Assert.Equal(
            ["unixloop.loop.active_time", "unixloop.loop.delay", "unixloop.loop.idle_time", "unixloop.loop.queue_depth", "unixloop.loop.utilization", "unixloop.loop.watched_descriptors"],
            all.Select(s => s.Split(' ')[0]).Order());
        Assert.All(all, s => Assert.EndsWith(" " + Loop.Name, s, StringComparison.Ordinal));

        // The loop's delays come from its thread, the others from this one.
        void Note(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            lock (seen)
                seen.Add($"{instrument.Name} {tags[0].Value}");
        }
    }
}
