using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.TestSupport.Children;

namespace UnixLoop.Process.Tests.Children;

/// <summary>System.Diagnostics.Process and our watchers in one program: each keeps to its own children.</summary>
public sealed class BesideProcessTests
{
    [Theory]
    [InlineData("pidfd")]
    [InlineData("threaded")]
    [InlineData("safe")]
    [InlineData("fast")]
    [InlineData("multiloop")]
    public async Task Exits_BesideABusyProcessClass_NothingIsLostOnEitherSide(string watcher)
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(StartBothKindsAsync, [watcher]);
        await scenario.EndWellAsync(); // a child taken from Process would have been a FailFast
    }

    internal static async Task StartBothKindsAsync(string[] args)
    {
        await using WatchingLoop watching = await WatchingLoop.StartAsync(args[0]);
        int each = TestChildren.Many;
        Task<int>[] theirs = new Task<int>[each];
        Task starter = Task.Run(() =>
        {
            for (int i = 0; i < each; i++)
                theirs[i] = RunProcessAsync(i % 250);
        });
        WatchedExit[] ours = [.. Enumerable.Range(0, each).Select(i => watching.StartExiting(i % 250))];
        await starter.WaitAsync(TestTimeout);

        ChildExitStatus[] statuses = await watching.WaitForAsync(ours);
        int[] codes = await Task.WhenAll(theirs).WaitAsync(TestTimeout);
        for (int i = 0; i < each; i++)
        {
            Assert.True(ours[i].IsRight(statuses[i]), $"child {i}: {statuses[i]}");
            Assert.Equal(i % 250, codes[i]);
        }
    }

    private static async Task<int> RunProcessAsync(int code)
    {
        using var process = System.Diagnostics.Process.Start("sh", ["-c", $"exit {code}"]);
        await process.WaitForExitAsync();
        return process.ExitCode;
    }
}
