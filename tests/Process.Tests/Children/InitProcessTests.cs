using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using UnixLoop.Children;
using UnixLoop.Process.Tests.Scenarios;

namespace UnixLoop.Process.Tests.Children;

/// <summary>As PID 1 with a SIGCHLD handler of the runtime, which then reaps every child before anybody is asked.</summary>
[SupportedOSPlatform("linux")]
public sealed class InitProcessTests
{
    private static readonly string[] Unshare = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

    [Fact]
    public async Task Rule15_Pid1_StatusesComeFromTheKernel()
    {
        RequiresPidNamespace();
        Requires.Kernel(6, 15);
        await using ScenarioProcess scenario = ScenarioProcess.Start(WatchAsInitAsync, ["on"], Unshare);
        await scenario.EndWellAsync();
    }

    [Fact]
    public async Task Rule15_Pid1OnAnOlderKernel_WarnsAndLosesNoNotice()
    {
        RequiresPidNamespace();
        await using ScenarioProcess scenario = ScenarioProcess.Start(WatchAsInitAsync, ["off"], Unshare);
        await scenario.EndWellAsync();
    }

    internal static async Task WatchAsInitAsync(string[] args)
    {
        Assert.Equal(1, Environment.ProcessId);
        bool exitInfo = args[0] == "on";
        PidfdExitInfo.IsDisabled = !exitInfo;
        await using WatchingLoop watching = await WatchingLoop.StartAsync(new PidfdChildWatcher());
        Assert.Equal(!exitInfo, watching.HasLogged("InitWithoutExitInfo"));
        using var runtimeReaps = PosixSignalRegistration.Create(PosixSignal.SIGCHLD, static _ => { });

        List<WatchedExit> exits = [];
        for (int i = 0; i < 200; i++)
            exits.Add(watching.StartExiting(i));
        ChildExitStatus[] statuses = await watching.WaitForAsync(exits);

        for (int i = 0; i < statuses.Length; i++)
        {
            // A child that was reaped between its birth and pidfd_open(2) has nothing left that could be asked.
            bool mayBeLost = !exitInfo || exits[i].Child.Pidfd is null;
            Assert.True(exits[i].IsRight(statuses[i]) || (mayBeLost && statuses[i].Kind == ChildExitKind.ReapedElsewhere), $"child {i}: {statuses[i]}");
        }
        Assert.Contains(statuses, static status => status.ResourceUsage is null); // else the runtime reaped nobody
    }

    internal static void RequiresPidNamespace()
    {
        Requires.Root();
        Requires.Tool("unshare");
        using var probe = System.Diagnostics.Process.Start(Unshare[0], [.. Unshare[1..], "true"]);
        Requires.That(probe.WaitForExit(TestTimeout) && probe.ExitCode == 0, "the right to make a pid namespace");
    }
}
