using UnixLoop.Children;
using UnixLoop.Interop;
using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Children;

namespace UnixLoop.Process.Tests.Children;

/// <summary>Zombies that nobody has added, beside a fast watcher; and a SIGCHLD handler that is not ours any more.</summary>
public sealed class UnknownZombieTests
{
    [Fact]
    public async Task Rule16_UnknownZombie_IsLeftAlone()
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(LeaveAloneAsync);
        await scenario.EndWellAsync();
    }

    [Fact]
    public async Task Rule16_UnknownZombieAndReapsUnknownChildren_IsReapedWithAWarningAfterTheSpawn()
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(ReapUnknownAsync);
        await scenario.EndWellAsync();
    }

    [Fact]
    public async Task Rule16_UnknownZombieAndProcessLoaded_IsLeftAlone()
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(ReapNobodyBesideProcessAsync);
        await scenario.EndWellAsync();
    }

    [Theory]
    [InlineData("safe")]
    [InlineData("fast")]
    public async Task Detach_SigChildHandlerOfOutsideCode_WarnsAndLeavesIt(string watcher)
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(ChangeHandlerAsync, [watcher]);
        await scenario.EndWellAsync();
    }

    internal static Task LeaveAloneAsync(string[] args) => LeaveAsync(new FastChildWatcher());

    internal static async Task ReapNobodyBesideProcessAsync(string[] args)
    {
        using var process = System.Diagnostics.Process.Start("true");
        await process.WaitForExitAsync().WaitAsync(TestTimeout);
        await LeaveAsync(new FastChildWatcher { ReapsUnknownChildren = true });
    }

    private static async Task LeaveAsync(FastChildWatcher watcher)
    {
        await using WatchingLoop watching = await WatchingLoop.StartAsync(watcher);
        SpawnedChild unknown = await watching.Loop.InvokeAsync(static () => TestChildren.StartDead(3)).WaitAsync(TestTimeout);
        for (int i = 0; i < 100; i++)
            Assert.Equal(i, (await watching.StartExiting(i).Handler.Exited).ExitCode);
        Assert.False(Eventually.TryWait(() => !TestChildren.IsZombie(unknown.Pid), TimeSpan.FromMilliseconds(300)));
        Assert.False(watching.HasLogged("UnknownChildReaped"));
        Assert.True(TestChildren.TryReap(unknown.Pid));
        unknown.Pidfd?.Dispose();
    }

    internal static async Task ReapUnknownAsync(string[] args)
    {
        Assert.False(UnknownZombie.IsProcessClassLoaded());
        FastChildWatcher watcher = new() { ReapsUnknownChildren = true };
        await using WatchingLoop watching = await WatchingLoop.StartAsync(watcher);
        SpawnedChild unknown;
        using (watcher.BeginSpawn())
        {
            unknown = await watching.Loop.InvokeAsync(static () => TestChildren.StartDead(3)).WaitAsync(TestTimeout);
            Assert.Equal(7, (await watching.StartExiting(7).Handler.Exited).ExitCode);
            Assert.False(Eventually.TryWait(() => !TestChildren.IsZombie(unknown.Pid), TimeSpan.FromMilliseconds(300)), "it may still be added");
        }
        Eventually.True(() => !TestChildren.Exists(unknown.Pid), "it is reaped");
        Eventually.True(() => watching.HasLogged("UnknownChildReaped"), "with a warning");
        unknown.Pidfd?.Dispose();
    }

    internal static async Task ChangeHandlerAsync(string[] args)
    {
        await using WatchingLoop watching = await WatchingLoop.StartAsync(args[0]);
        Assert.True(Libc.ResetSignalDisposition(UnixSignal.Chld.Number).IsSuccess); // as outside code might
        watching.Watcher.Detach();
        Assert.True(watching.HasLogged("SigChildHandlerChanged"));
        Assert.Equal(Libc.DefaultDisposition, Libc.GetSignalDisposition(UnixSignal.Chld.Number).Value);
    }
}
