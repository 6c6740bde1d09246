using Microsoft.Extensions.Time.Testing;
using UnixLoop.Hosting.Supervision;

namespace UnixLoop.Hosting.Tests.Supervision;

/// <summary>What the restart policy, the back-off and the limit of starts make of an end.</summary>
public sealed class RestartTests
{
    private readonly FakeTimeProvider _clock = new();

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 2)]
    [InlineData(5, 32)]
    [InlineData(6, 60)]
    [InlineData(1000, 60)]
    [InlineData(int.MaxValue, 60)]
    public void Next_Jitter_FillsTheWholeSpanAndNothingBeyond(int ends, double span)
    {
        var random = new Random(17);
        double[] delays = [.. Enumerable.Range(0, 2000).Select(_ => RestartDelays.Next(ends, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1), random).TotalSeconds)];
        Assert.All(delays, delay => Assert.InRange(delay, 0, span));
        Assert.InRange(delays.Average(), span * 0.45, span * 0.55);
        Assert.True(delays.Max() > span * 0.98 && delays.Min() < span * 0.02);
    }

    [Fact]
    public void Next_NoDelay_IsNoneHoweverOften() =>
        Assert.Equal(TimeSpan.Zero, RestartDelays.Next(1_000_000, TimeSpan.Zero, TimeSpan.FromMinutes(1), new Random(1)));

    [Theory]
    [InlineData(RestartPolicy.Always, true, SupervisionTrigger.EndedRetry)]
    [InlineData(RestartPolicy.Always, false, SupervisionTrigger.EndedRetry)]
    [InlineData(RestartPolicy.OnFailure, true, SupervisionTrigger.EndedDone)]
    [InlineData(RestartPolicy.OnFailure, false, SupervisionTrigger.EndedRetry)]
    [InlineData(RestartPolicy.Never, true, SupervisionTrigger.EndedDone)]
    [InlineData(RestartPolicy.Never, false, SupervisionTrigger.EndedFailed)]
    internal void Judge_Policy_DecidesByTheExit(RestartPolicy policy, bool success, SupervisionTrigger expected)
    {
        SupervisionCore core = Running(new() { FileName = "x", Restart = policy });
        Assert.Equal(expected, core.Judge(success));
    }

    [Fact]
    public void Judge_NotReadyInTime_IsAFailureWhateverTheExitCode()
    {
        SupervisionCore core = Core(new() { FileName = "x", Restart = RestartPolicy.OnFailure });
        core.Handle(SupervisionTrigger.Start);
        core.Handle(SupervisionTrigger.Spawned);
        Assert.Equal(SupervisionAction.StopChild, core.Handle(SupervisionTrigger.ReadyTimeout));
        Assert.Equal(SupervisionTrigger.EndedRetry, core.Judge(isSuccess: true));
    }

    [Fact]
    public void Judge_Ends_DoubleTheDelayUntilARunWasStable()
    {
        SupervisionCore core = Running(new() { FileName = "x", MaxStarts = 0 });
        Assert.Equal([1, 2, 4, 8], Enumerable.Range(0, 4).Select(_ => EndAndRestart(core).TotalSeconds));
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal([1, 2], Enumerable.Range(0, 2).Select(_ => EndAndRestart(core).TotalSeconds));
    }

    [Fact]
    public void Judge_Command_LetsDelayAndCountBeginAnew()
    {
        SupervisionCore core = Running(new() { FileName = "x", MaxStarts = 3, StartWindow = TimeSpan.FromHours(1) });
        EndAndRestart(core);
        EndAndRestart(core);
        Assert.Equal(SupervisionTrigger.EndedFailed, core.Judge(isSuccess: false));
        core.Handle(SupervisionTrigger.EndedFailed);
        Assert.Equal(SupervisionAction.Spawn, core.Handle(SupervisionTrigger.Start));
        core.Handle(SupervisionTrigger.SpawnedReady);
        Assert.Equal([1, 2], Enumerable.Range(0, 2).Select(_ => EndAndRestart(core).TotalSeconds));
    }

    [Fact]
    public void Judge_LimitOfStarts_GivesUpAtTheOneTooMany()
    {
        SupervisionCore core = Running(new() { FileName = "x", MaxStarts = 4, RestartDelay = TimeSpan.Zero });
        for (int i = 0; i < 3; i++)
            EndAndRestart(core);
        Assert.Equal(SupervisionTrigger.EndedFailed, core.Judge(isSuccess: false));
        Assert.True(core.HasGivenUp);
    }

    [Fact]
    public void Judge_LimitOfStarts_SlidesWithTheWindow()
    {
        SupervisionCore core = Running(new() { FileName = "x", MaxStarts = 2, RestartDelay = TimeSpan.Zero, StartWindow = TimeSpan.FromMinutes(1) });
        for (int i = 0; i < 20; i++)
        {
            _clock.Advance(TimeSpan.FromSeconds(30));
            EndAndRestart(core);
        }
        _clock.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(SupervisionTrigger.EndedFailed, core.Judge(isSuccess: false));
    }

    [Fact]
    public void Judge_Draining_StartsNothing()
    {
        SupervisionCore core = Running(new() { FileName = "x" });
        core.Handle(SupervisionTrigger.Drain);
        Assert.Equal(SupervisionTrigger.EndedDraining, core.Judge(isSuccess: false));
        core.Handle(SupervisionTrigger.EndedDraining);
        Assert.Equal(SupervisionAction.None, core.Handle(SupervisionTrigger.Start));
        Assert.Equal(SupervisionAction.None, core.Handle(SupervisionTrigger.Restart));
        Assert.Equal(SupervisedProcessState.Stopped, core.State);
    }

    private SupervisionCore Core(SupervisedProcessOptions options) => new(options, _clock, new WholeSpan());

    private SupervisionCore Running(SupervisedProcessOptions options)
    {
        SupervisionCore core = Core(options);
        core.Handle(SupervisionTrigger.Start);
        core.Handle(SupervisionTrigger.SpawnedReady);
        return core;
    }

    private static TimeSpan EndAndRestart(SupervisionCore core)
    {
        Assert.Equal(SupervisionTrigger.EndedRetry, core.Judge(isSuccess: false));
        Assert.Equal(SupervisionAction.Delay, core.Handle(SupervisionTrigger.EndedRetry));
        Assert.Equal(SupervisionAction.Spawn, core.Handle(SupervisionTrigger.DelayOver));
        core.Handle(SupervisionTrigger.SpawnedReady);
        return core.Delay;
    }

    /// <summary>No jitter.</summary>
    private sealed class WholeSpan : Random
    {
        public override double NextDouble() => 1;
    }
}
