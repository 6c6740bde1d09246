using System.Globalization;
using UnixLoop.Process.Tests.Children;
using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Process.Tests.Spawning;

/// <summary>A detached child and the end of the process that started it.</summary>
public sealed class DetachedTests
{
    [Theory]
    [InlineData(9)] // KILL: nothing of ours runs any more
    [InlineData(15)]
    public async Task StartDetached_ParentIsKilled_TheChildLivesOn(int signal)
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(StartAndWaitAsync);
        int pid = int.Parse(await scenario.ReadLineAsync(), CultureInfo.InvariantCulture);
        scenario.Kill(signal);
        await scenario.WaitForExitAsync();
        ExpectOrphan(pid, scenario.ProcessId);
    }

    [Theory]
    [InlineData("pidfd")]
    [InlineData("threaded")]
    [InlineData("safe")]
    [InlineData("fast")]
    public async Task StartDetached_ParentEndsInOrder_TheChildLivesOn(string watcher)
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(StartAndEndAsync, [watcher]);
        int pid = int.Parse(await scenario.ReadLineAsync(), CultureInfo.InvariantCulture);
        await scenario.EndWellAsync();
        ExpectOrphan(pid, scenario.ProcessId);
    }

    [Theory]
    [InlineData("pidfd")]
    [InlineData("threaded")]
    [InlineData("safe")]
    [InlineData("fast")]
    public async Task StartDetached_ChildDiesFirst_LeavesNoZombie(string watcher)
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(OutliveAsync, [watcher]);
        await scenario.EndWellAsync();
    }

    internal static async Task StartAndWaitAsync(string[] args)
    {
        await using WatchingLoop watching = await WatchingLoop.StartAsync("pidfd");
        var factory = new SubprocessFactory(watching.Loop, watching.Watcher);
        Scenario.Say($"{await factory.StartDetachedAsync(new("/bin/sleep", "1000"))}");
        await Scenario.WaitForEndAsync();
    }

    internal static async Task StartAndEndAsync(string[] args)
    {
        await using WatchingLoop watching = await WatchingLoop.StartAsync(args[0]);
        await using var factory = new SubprocessFactory(watching.Loop, watching.Watcher);
        Scenario.Say($"{await factory.StartDetachedAsync(new("/bin/sleep", "1000"))}");
        await Scenario.WaitForEndAsync();
    }

    internal static async Task OutliveAsync(string[] args)
    {
        await using WatchingLoop watching = await WatchingLoop.StartAsync(args[0]);
        await using var factory = new SubprocessFactory(watching.Loop, watching.Watcher);
        int pid = await factory.StartDetachedAsync(new("/bin/sleep", "1000"));
        TestLibc.Kill(pid, 9);
        Eventually.True(() => !Directory.Exists($"/proc/{pid}"), "it is reaped");
    }

    private static void ExpectOrphan(int pid, int formerParent)
    {
        string stat = File.ReadAllText($"/proc/{pid}/stat");
        TestLibc.Kill(pid, 9);
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        Assert.NotEqual("Z", fields[0]);
        Assert.NotEqual($"{formerParent}", fields[1]);
        Assert.Equal($"{pid}", fields[3]);
    }
}
