using UnixLoop.Process.Tests.Scenarios;

namespace UnixLoop.Process.Tests.Spawning;

/// <summary>Starts from processes that themselves began in an unusual state. The scenarios check that they leave nothing behind.</summary>
public sealed class SpawningProcessTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("spawning");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("<&-", 6)]
    [InlineData(">&-", 5)]
    [InlineData("2>&-", 3)]
    [InlineData("<&- >&- 2>&-", 0)]
    public async Task Rule09_ProcessBegunWithoutStreams_ChildLacksThemTooAndPipesWork(string closing, int open)
    {
        string report = Path.Combine(_folder.FullName, "report");
        await using ScenarioProcess scenario = ScenarioProcess.Start(SpawningScenarios.WithoutStreamsAsync, [report], via: ["sh", "-c", $"exec \"$@\" {closing}", "sh"]);
        await scenario.EndWellAsync();
        string[] lines = File.ReadAllLines(report);
        Assert.Equal($"{open}", lines[0]);
        Assert.Equal((open & 2) != 0 ? "4" : "0", lines[1]);
        Assert.Equal(["text", "error", "text", "error", "text", "error"], lines[2..]);
    }

    [Fact]
    public async Task Rule09_StandardStreams_MaySwap()
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(SpawningScenarios.SwapStreamsAsync);
        Assert.Equal("to output", await scenario.ReadLineAsync());
        await scenario.EndWellAsync();
    }

    [Fact]
    public async Task Start_NoDescriptorsLeft_IsTold()
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(SpawningScenarios.FewDescriptorsAsync, via: ["sh", "-c", "ulimit -n 256; exec \"$@\"", "sh"]);
        await scenario.ExpectAsync("begin");
        Assert.Equal("0: NoDescriptors: EMFILE: can't start 'true': this process has no descriptor left for standard input (pipe): RLIMIT_NOFILE is 256", await scenario.ReadLineAsync());
        Assert.Equal("1: NoDescriptors: EMFILE: can't start 'true': this process has no descriptor left for standard input (pipe): RLIMIT_NOFILE is 256", await scenario.ReadLineAsync());
        Assert.Equal("2: NoDescriptors: EMFILE: can't start 'true': this process has no descriptor left for standard output (pipe): RLIMIT_NOFILE is 256", await scenario.ReadLineAsync());
        Assert.Equal("3: NoDescriptors: EMFILE: can't start 'true': this process has no descriptor left for standard output (pipe): RLIMIT_NOFILE is 256", await scenario.ReadLineAsync());
        // The child is there before its pidfd: it is handed on without one.
        Assert.Equal("4: started, pidfd EMFILE", await scenario.ReadLineAsync());
        Assert.Equal("5: started, pidfd errno 0", await scenario.ReadLineAsync());
        await scenario.EndWellAsync();
    }

    [Fact]
    public async Task Start_UsersProcessLimit_IsTold()
    {
        Requires.Root(); // who has the right to exceed the limit, and to become somebody who has not
        using OpenFolder folder = new();
        await using ScenarioProcess scenario = ScenarioProcess.Start(
            SpawningScenarios.ProcessLimitAsync, via: [Requires.Tool("setpriv"), "--reuid=65534", "--clear-groups"], folder: folder.Name);
        await scenario.ExpectAsync("begin");
        Assert.Equal(
            "NoProcesses: EAGAIN: can't start 'true': no further process may be made: the user's RLIMIT_NPROC (1) or the control group's pids.max is reached",
            await scenario.ReadLineAsync());
        Assert.Equal("ended with 0", await scenario.ReadLineAsync());
        await scenario.EndWellAsync();
    }

    // A machine's controllers are in version 1 or in version 2 of control groups (cgroups(7)), and those of 2 are not ours to give away:
    // there the user's limit above is all that is tried.
    [Fact]
    public async Task Start_PidsMax_IsTold()
    {
        Requires.Root();
        await using ScenarioProcess scenario = ScenarioProcess.Start(
            SpawningScenarios.PidsMaxAsync, [_folder.FullName], via: [Requires.Tool("unshare"), "--mount", "sh", "-c", $"mount -t cgroup -o pids none {_folder.FullName} 2> /dev/null; exec \"$@\"", "sh"]);
        if (await scenario.ReadLineAsync() == "begin")
        {
            string said = await scenario.ReadLineAsync();
            Assert.Matches("^NoProcesses: EAGAIN: can't start 'true': no further process may be made: .* or the control group's pids.max is reached$", said);
            Assert.Equal("ended with 0", await scenario.ReadLineAsync());
        }
        await scenario.EndWellAsync();
    }

    [Fact]
    public async Task Rule06_NohupsIgnoredSignal_StaysIgnoredUnlessReset()
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(SpawningScenarios.IgnoredSignalsAsync, via: ["sh", "-c", "trap '' HUP USR1 PIPE; exec \"$@\"", "sh"]);
        await scenario.ExpectAsync("begin");
        const ulong HupAndUsr1 = 1UL << 0 | 1UL << 9;
        Assert.Equal($"SigIgn:\t{HupAndUsr1:x16}", await scenario.ReadLineAsync());
        Assert.Equal($"SigIgn:\t{0:x16}", await scenario.ReadLineAsync());
        await scenario.EndWellAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Rule19_ForegroundChild_HasTheTerminalUntilItIsTakenBack(bool byLibc)
    {
        string script = Requires.Tool("script"); // gives the scenario a controlling terminal
        await using ScenarioProcess scenario = ScenarioProcess.Start(SpawningScenarios.ForegroundAsync, [$"{byLibc}"], via: ["sh", "-c", "exec \"$0\" -qec \"$*\" /dev/null", script]);
        await scenario.ExpectAsync("foreground True True");
        await scenario.WriteLineAsync("one");
        await scenario.ExpectAsync("child read one");
        await scenario.ExpectAsync("taken back True");
        await scenario.ExpectAsync("after a failed start True");
        await scenario.ExpectAsync("default leads False");
        await scenario.WriteLineAsync("two");
        await scenario.ExpectAsync("child read two");
        await scenario.EndWellAsync();
    }
}
