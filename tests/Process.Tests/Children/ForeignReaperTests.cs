using UnixLoop.Children;
using UnixLoop.Interop;
using UnixLoop.Process.Tests.Scenarios;

namespace UnixLoop.Process.Tests.Children;

/// <summary>Somebody else in the process waits for every child: a library that calls waitpid(-1).</summary>
public sealed class ForeignReaperTests
{
    [Theory]
    [InlineData("pidfd")]
    [InlineData("threaded")]
    [InlineData("safe")]
    [InlineData("fast")]
    [InlineData("multiloop")]
    public async Task Exit_ReapedBySomebodyElse_IsTheKernelsAnswerWhereItGivesOne(string watcher)
    {
        Requires.Kernel(6, 15);
        await using ScenarioProcess scenario = ScenarioProcess.Start(ReapEverythingAsync, [watcher, "on"]);
        await scenario.EndWellAsync();
    }

    [Theory]
    [InlineData("pidfd")]
    [InlineData("threaded")]
    [InlineData("safe")]
    [InlineData("fast")]
    [InlineData("multiloop")]
    public async Task Exit_ReapedBySomebodyElseOnAnOlderKernel_IsTheNamedOutcome(string watcher)
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(ReapEverythingAsync, [watcher, "off"]);
        await scenario.EndWellAsync();
    }

    internal static async Task ReapEverythingAsync(string[] args)
    {
        bool exitInfo = args[1] == "on";
        PidfdExitInfo.IsDisabled = !exitInfo;
        await using WatchingLoop watching = await WatchingLoop.StartAsync(args[0]);
        using CancellationTokenSource end = new();
        Thread reaper = new(() => ReapAnyChild(end.Token));
        reaper.Start();

        List<WatchedExit> exits = [];
        for (int i = 0; i < 150; i++)
            exits.Add(watching.StartExiting(i));
        ChildExitStatus[] statuses = await watching.WaitForAsync(exits);
        await end.CancelAsync();
        Assert.True(reaper.Join(TestTimeout));

        for (int i = 0; i < statuses.Length; i++)
        {
            // Without a pidfd, since the child was reaped before one could be opened, nothing is left to ask.
            bool mayBeLost = !exitInfo || exits[i].Child.Pidfd is null;
            Assert.True(exits[i].IsRight(statuses[i]) || (mayBeLost && statuses[i].Kind == ChildExitKind.ReapedElsewhere), $"child {i}: {statuses[i]}");
        }
        if (statuses.Any(static status => status.Kind == ChildExitKind.ReapedElsewhere))
            Assert.True(watching.HasLogged("ChildReapedElsewhere"));
        if (exitInfo)
            Assert.True(watching.HasLogged("ChildStatusRecovered"), "nobody disturbed us");
    }

    private static unsafe void ReapAnyChild(CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            if (Libc.WaitId(Libc.P_ALL, 0, info: null, Libc.WEXITED | Libc.WNOHANG, usage: null).IsError)
                Thread.Yield();
        }
    }
}
