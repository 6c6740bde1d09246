using UnixLoop.Interop;
using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Children;
using static Tmds.Linux.LibC;

namespace UnixLoop.Process.Tests.Children;

/// <summary>What older kernels, seccomp filters and short memory do to pidfds and waits, simulated at the seam.</summary>
public sealed class NoPidfdTests
{
    [Theory]
    [InlineData("ENOSYS", "needs Linux 5.4")]
    [InlineData("EPERM", "seccomp")]
    public async Task Rule07_PidfdsUnusable_TheProbeSaysWhyAndThreadsDoTheWork(string errno, string reason)
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(ProbeFailsAsync, [errno, reason]);
        await scenario.EndWellAsync();
    }

    [Fact]
    public async Task Rule07_WaitWithoutPidfds_TheProbeSaysSo()
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(WaitProbeFailsAsync);
        await scenario.EndWellAsync();
    }

    [Theory]
    [InlineData("EMFILE")]
    [InlineData("ENFILE")]
    [InlineData("ENOMEM")]
    [InlineData("ENOSYS")]
    [InlineData("EPERM")]
    public async Task Add_PidfdOpenFails_AThreadWaitsInstead(string errno)
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(AddFailsAsync, ["pidfd_open", errno]);
        await scenario.EndWellAsync();
    }

    [Theory]
    [InlineData("pidfd", "EMFILE")]
    [InlineData("threaded", "EMFILE")]
    [InlineData("safe", "EMFILE")]
    [InlineData("fast", "EMFILE")]
    [InlineData("multiloop", "EMFILE")]
    [InlineData("safe", "ENOSYS")]
    [InlineData("fast", "EPERM")]
    [InlineData("multiloop", "ENOMEM")]
    public async Task Rule07_PidfdOpenFailsAfterTheSpawn_EveryStatusIsRight(string watcher, string errno)
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(StartWithoutPidfdsAsync, [watcher, errno]);
        await scenario.EndWellAsync();
    }

    [Theory]
    [InlineData("ENOSPC")] // max_user_watches, epoll(7)
    [InlineData("ENOMEM")]
    public async Task Add_EpollRefusesThePidfd_AThreadWaitsInstead(string errno)
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(AddFailsAsync, ["epoll_ctl EPOLL_CTL_ADD", errno]);
        await scenario.EndWellAsync();
    }

    [Theory]
    [InlineData("pidfd")]
    [InlineData("threaded")]
    [InlineData("safe")]
    [InlineData("fast")]
    [InlineData("multiloop")]
    public async Task Exit_WaitKeepsFailing_IsUnknownInsteadOfAHang(string watcher)
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(WaitFailsAsync, [watcher]);
        await scenario.EndWellAsync();
    }

    internal static async Task ProbeFailsAsync(string[] args)
    {
        Install(new FailingPlan("pidfd_open", args[0]));
        Assert.False(PidfdChildWatcher.IsSupported(out string? reason));
        Assert.StartsWith($"{args[0]}: pidfd_open: ", reason, StringComparison.Ordinal);
        Assert.Contains(args[1], reason, StringComparison.Ordinal);

        using PidfdChildWatcher refused = new();
        await using UnixEventLoop loop = new();
        PlatformNotSupportedException e = Assert.Throws<PlatformNotSupportedException>(() => refused.Attach(loop));
        Assert.Contains(args[0], e.Message, StringComparison.Ordinal);
        Assert.False(refused.IsActive);

        await using WatchingLoop watching = await WatchingLoop.StartAsync(new ThreadedChildWatcher());
        WatchedExit[] exits = [.. Enumerable.Range(0, 20).Select(watching.StartExiting)];
        ChildExitStatus[] statuses = await watching.WaitForAsync(exits);
        Assert.All(exits.Zip(statuses), static pair => Assert.True(pair.First.IsRight(pair.Second), $"{pair.Second}"));
        Assert.All(exits, static exit => Assert.Null(exit.Child.Pidfd));
    }

    internal static Task WaitProbeFailsAsync(string[] args)
    {
        Install(new FailingPlan("waitid", "EINVAL"));
        Assert.False(PidfdChildWatcher.IsSupported(out string? reason));
        Assert.StartsWith("EINVAL: waitid with P_PIDFD: needs Linux 5.4", reason, StringComparison.Ordinal);
        return Task.CompletedTask;
    }

    internal static async Task AddFailsAsync(string[] args)
    {
        FailingPlan plan = new(args[0], args[1]) { IsOn = false };
        Install(plan);
        await using WatchingLoop watching = await WatchingLoop.StartAsync(new PidfdChildWatcher());
        RecordingHandler handler = new();
        SpawnedChild child = TestChildren.StartSleeping();
        child.Pidfd!.Dispose();
        plan.IsOn = true;
        watching.Watcher.Add(child.Pid, null, handler);
        plan.IsOn = false;
        Assert.Contains(watching.Log.GetSnapshot(), record =>
            record.Id.Name == "ChildWatchedByThread" && record.Message.Contains(args[1], StringComparison.Ordinal));
        TestChildren.Kill(child.Pid);
        Assert.Equal(-9, (await handler.Exited).ReturnCode);
        Assert.Equal(1, handler.ExitingCalls);
    }

    internal static async Task StartWithoutPidfdsAsync(string[] args)
    {
        FailingPlan plan = new("pidfd_open", args[1]) { IsOn = false };
        Install(plan);
        await using WatchingLoop watching = await WatchingLoop.StartAsync(args[0]);
        await using SubprocessFactory factory = new(watching.Loop, watching.Watcher);
        plan.IsOn = true;
        for (int i = 0; i < 30; i++)
        {
            SubprocessResult result = await factory.RunAsync(new SubprocessStartInfo("sh", "-c", $"exit {i}")).WaitAsync(TestTimeout);
            Assert.Equal(i, result.Exit.ExitCode);
        }
        await using ISubprocess sleeper = await factory.StartAsync(new SubprocessStartInfo("sleep", "1000"));
        Assert.Equal(UnixSignal.Term, (await sleeper.StopAsync(TestTimeout)).Signal);
    }

    internal static async Task WaitFailsAsync(string[] args)
    {
        FailingPlan plan = new("waitid", "EINVAL") { IsOn = false };
        Install(plan);
        await using WatchingLoop watching = await WatchingLoop.StartAsync(args[0]);
        SpawnedChild child = TestChildren.StartDead(3);
        plan.IsOn = true;
        RecordingHandler handler = new();
        watching.Watcher.Add(child.Pid, child.Pidfd, handler);
        ChildExitStatus status = await handler.Exited;
        plan.IsOn = false;
        Assert.Equal(ChildExitKind.Unknown, status.Kind);
        Assert.Equal(0, handler.ExitingCalls);
        Assert.True(watching.HasLogged("ChildWaitFailed"));
        Assert.True(TestChildren.TryReap(child.Pid));
        child.Pidfd!.Dispose();
    }

    private static void Install(IFaultPlan plan)
    {
        AppContext.SetSwitch("UnixLoop.FaultInjection", true); // before the first native call asks
        AppContext.SetSwitch("UnixLoop.SpawnByHelper", false); // its pidfds come with the children
        Faults.Plan = plan;
        Assert.True(Faults.IsEnabled);
    }

    private sealed class FailingPlan(string function, string errno) : IFaultPlan
    {
        private readonly int _errno = errno switch
        {
            "ENOSYS" => ENOSYS,
            "EPERM" => EPERM,
            "EINVAL" => EINVAL,
            "EMFILE" => EMFILE,
            "ENFILE" => ENFILE,
            "ENOMEM" => ENOMEM,
            "ENOSPC" => ENOSPC,
            _ => throw new ArgumentOutOfRangeException(nameof(errno), errno, "not known here"),
        };

        internal volatile bool IsOn = true;

        public int OnCall(string called, ref int byteCount) => IsOn && called == function ? _errno : 0;
    }
}
