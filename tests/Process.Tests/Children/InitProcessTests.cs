using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Extensions.Logging;
using UnixLoop.Children;
using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.TestSupport.Children;

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

    [Theory]
    [InlineData("safe")]
    [InlineData("fast")]
    [InlineData("multiloop")]
    public async Task Rule15_Pid1_WatchersThatNeedSigChildRefuse(string watcher)
    {
        RequiresPidNamespace();
        await using ScenarioProcess scenario = ScenarioProcess.Start(RefuseAsInitAsync, [watcher], Unshare);
        await scenario.EndWellAsync();
    }

    [Theory]
    [InlineData("pidfd", "on", "")]
    [InlineData("threaded", "on", "")]
    [InlineData("pidfd", "off", "")]
    [InlineData("threaded", "off", "")]
    [InlineData("pidfd", "on", "process")]
    [InlineData("pidfd", "off", "process")]
    [InlineData("threaded", "off", "process")]
    [InlineData("pidfd", "on", "console")]
    [InlineData("pidfd", "off", "console")]
    [InlineData("pidfd", "on", "logging")]
    [InlineData("pidfd", "off", "logging")]
    public async Task Rule15_Pid1BesideOthers_EveryStatusIsRightOrTheNamedOutcome(string watcher, string exitInfo, string beside)
    {
        RequiresPidNamespace();
        await using ScenarioProcess scenario = ScenarioProcess.Start(WatchBesideAsync, [watcher, exitInfo, beside], Unshare);
        await scenario.EndWellAsync();
    }

    internal static async Task RefuseAsInitAsync(string[] args)
    {
        Assert.Equal(1, Environment.ProcessId);
        await using UnixEventLoop loop = new();
        await loop.StartAsync().WaitAsync(TestTimeout);
        using IChildWatcher watcher = WatchingLoop.Create(args[0]);
        PlatformNotSupportedException refused = Assert.Throws<PlatformNotSupportedException>(() => watcher.Attach(loop));
        Assert.StartsWith($"{watcher.GetType().Name} can't work here: SIGCHLD can't be handled by PID 1", refused.Message, StringComparison.Ordinal);
        Assert.Contains("UnixInit", refused.Message, StringComparison.Ordinal);
        Assert.False(watcher.IsActive);
        // The refusal has left the signal alone: nobody is reaped behind anybody's back.
        await using WatchingLoop watching = await WatchingLoop.StartAsync(new ThreadedChildWatcher());
        WatchedExit exit = watching.StartExiting(5);
        Assert.True(exit.IsRight(await exit.Handler.Exited));
    }

    internal static async Task WatchBesideAsync(string[] args)
    {
        Assert.Equal(1, Environment.ProcessId);
        (bool exitInfo, string beside) = (args[1] == "on", args[2]);
        PidfdExitInfo.IsDisabled = !exitInfo;
        await using WatchingLoop watching = await WatchingLoop.StartAsync(args[0]);
        Assert.Equal(!exitInfo, watching.HasLogged("InitWithoutExitInfo"));
        using ILoggerFactory console = LoggerFactory.Create(static logging => logging.AddSimpleConsole());
        List<WatchedExit> exits = [];
        for (int i = 0; i < 100; i++)
        {
            if (beside == "process")
            {
                using var process = System.Diagnostics.Process.Start("true");
                await process.WaitForExitAsync().WaitAsync(TestTimeout);
            }
            else if (beside == "console")
            {
                Console.Out.WriteLine(Console.IsInputRedirected);
            }
            else if (beside == "logging")
            {
                console.CreateLogger("beside").Log(LogLevel.Warning, default, i, null, static (number, _) => $"child {number}");
            }
            exits.Add(watching.StartExiting(i));
        }
        ChildExitStatus[] statuses = await watching.WaitForAsync(exits);
        for (int i = 0; i < statuses.Length; i++)
        {
            // Only Process makes the runtime reap; a console that is no terminal does not.
            bool mayBeLost = beside == "process" && (!exitInfo || exits[i].Child.Pidfd is null);
            Assert.True(exits[i].IsRight(statuses[i]) || (mayBeLost && statuses[i].Kind == ChildExitKind.ReapedElsewhere), $"child {i}: {statuses[i]}");
        }
        if (statuses.Any(static status => status.Kind == ChildExitKind.ReapedElsewhere))
            Assert.True(watching.HasLogged("ChildReapedElsewhere"));
        Assert.All(exits, static exit => Assert.False(TestChildren.Exists(exit.Child.Pid), "no zombie"));
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
