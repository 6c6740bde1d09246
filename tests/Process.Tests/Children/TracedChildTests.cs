using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Children;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Process.Tests.Children;

/// <summary>A child that dies under a tracer in another process is dead for everyone but waitid(2), until the tracer lets go.</summary>
public sealed class TracedChildTests
{
    [Theory]
    [InlineData("pidfd")]
    [InlineData("threaded")]
    [InlineData("safe")]
    [InlineData("fast")]
    [InlineData("multiloop")]
    public async Task Rule01_ChildDiesUnderATracer_TheLoopSleepsUntilItLetsGo(string watcher)
    {
        await using WatchingLoop watching = await WatchingLoop.StartAsync(watcher);
        SpawnedChild child = TestChildren.StartSleeping();
        var handler = new RecordingHandler();
        watching.Watcher.Add(child.Pid, child.Pidfd, handler);
        child.Pidfd!.Dispose();
        await using ScenarioProcess tracer = ScenarioProcess.Start(TraceAsync, [$"{child.Pid}"]);
        string answer = await tracer.ReadLineAsync();
        if (answer != "traced")
            TestChildren.Kill(child.Pid);
        Requires.That(answer == "traced", $"ptrace of another process ({answer})");

        long turns = watching.Loop.GetStatistics().Turns;
        TestChildren.Kill(child.Pid);
        Eventually.True(() => TestChildren.IsZombie(child.Pid), "the traced child is dead");
        // Longer than the 1 s of the timer below the edge.
        Assert.False(Eventually.TryWait(() => handler.IsTold, TimeSpan.FromSeconds(1.3)), "told while the tracer held the child");
        Assert.InRange(watching.Loop.GetStatistics().Turns - turns, 0, 9);

        await tracer.EndWellAsync();
        Assert.Equal(UnixSignal.Kill, (await handler.Exited).Signal);
        Assert.Equal(1, handler.ExitedCalls);
    }

    /// <summary>Seizes the process that the first argument names, and holds it until standard input ends.</summary>
    internal static async Task TraceAsync(string[] args)
    {
        // A tracer is a thread: it must live as long as the trace.
        Scenario.Say(TestLibc.Seize(int.Parse(args[0])) ?? "traced");
        await Console.In.ReadToEndAsync();
    }
}
