using UnixLoop.Process.Tests.Scenarios;

namespace UnixLoop.Process.Tests.Children;

/// <summary>The process was started with SIGCHLD ignored, which exec keeps: its children leave no zombies until that is mended.</summary>
public sealed class IgnoredSigChildTests
{
    // coreutils; dash's trap leaves SIGCHLD alone.
    private static readonly string[] IgnoreSigChild = ["env", "--ignore-signal=CHLD"];

    [Theory]
    [InlineData("pidfd")]
    [InlineData("threaded")]
    [InlineData("safe")]
    [InlineData("fast")]
    [InlineData("multiloop")]
    public async Task Rule15_SigChildIgnoredAtTheStart_IsResetBeforeTheFirstChild(string watcher)
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(WatchFirstAsync, [watcher], IgnoreSigChild);
        await scenario.EndWellAsync();
    }

    [Fact]
    public async Task Rule15_SigChildIgnoredAndProcessUsedFirst_IsResetWithAWarning()
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(UseProcessFirstAsync, ["pidfd"], IgnoreSigChild);
        await scenario.EndWellAsync();
    }

    [Theory]
    [InlineData("safe")]
    [InlineData("fast")]
    [InlineData("multiloop")]
    public async Task Rule15_SigChildIgnoredAndProcessUsedFirst_WatchersThatNeedItRefuse(string watcher)
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(RefuseAfterProcessAsync, [watcher], IgnoreSigChild);
        await scenario.EndWellAsync();
    }

    [Fact]
    public async Task Rule15_SigChildNotIgnored_NothingIsTouchedOrSaid()
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(WatchQuietlyAsync, ["pidfd"]);
        await scenario.EndWellAsync();
    }

    internal static async Task WatchFirstAsync(string[] args)
    {
        Assert.True(IsSigChildIgnored());
        await WatchTwentyAsync(args[0], "SigChildReset");
        Assert.False(IsSigChildIgnored());
    }

    internal static async Task UseProcessFirstAsync(string[] args)
    {
        // No wait for it: the runtime leaves an ignored SIGCHLD as it is, and never learns of the end.
        using var process = System.Diagnostics.Process.Start("true");
        await WatchTwentyAsync(args[0], "SigChildResetLate");
    }

    internal static async Task RefuseAfterProcessAsync(string[] args)
    {
        // Until its handler would be in; the runtime leaves an ignored SIGCHLD as it is.
        using var process = System.Diagnostics.Process.Start("true");
        await using UnixEventLoop loop = new();
        await loop.StartAsync().WaitAsync(TestTimeout);
        using IChildWatcher watcher = WatchingLoop.Create(args[0]);
        PlatformNotSupportedException refused = Assert.Throws<PlatformNotSupportedException>(() => watcher.Attach(loop));
        Assert.StartsWith($"{watcher.GetType().Name} can't work here: SIGCHLD can't be handled here: it was ignored", refused.Message, StringComparison.Ordinal);
        Assert.False(watcher.IsActive);
        await WatchTwentyAsync("pidfd", expectedEvent: null); // reset by now, and told to a logger that was not there
    }

    internal static Task WatchQuietlyAsync(string[] args) => WatchTwentyAsync(args[0], expectedEvent: null);

    private static async Task WatchTwentyAsync(string watcher, string? expectedEvent)
    {
        await using WatchingLoop watching = await WatchingLoop.StartAsync(watcher);
        string[] said = [.. watching.Log.GetSnapshot().Select(static record => record.Id.Name).OfType<string>().Where(static name => name.StartsWith("SigChild", StringComparison.Ordinal))];
        Assert.Equal(expectedEvent is null ? [] : [expectedEvent], said);
        WatchedExit[] exits = [.. Enumerable.Range(0, 20).Select(watching.StartExiting)];
        ChildExitStatus[] statuses = await watching.WaitForAsync(exits);
        for (int i = 0; i < exits.Length; i++)
            Assert.True(exits[i].IsRight(statuses[i]), $"child {i}: {statuses[i]}");
    }

    private static bool IsSigChildIgnored()
    {
        const int BitOfSigChild = 17 - 1;
        string mask = File.ReadLines("/proc/self/status").First(static line => line.StartsWith("SigIgn:", StringComparison.Ordinal))[7..].Trim();
        return ((Convert.ToUInt64(mask, 16) >> BitOfSigChild) & 1) != 0;
    }
}
