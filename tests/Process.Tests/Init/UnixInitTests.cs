using System.Runtime.Versioning;
using UnixLoop.Init;
using UnixLoop.Process.Tests.Children;
using UnixLoop.Process.Tests.Scenarios;

namespace UnixLoop.Process.Tests.Init;

/// <summary>A program that runs itself below PID 1, in a pid namespace of its own.</summary>
[SupportedOSPlatform("linux")]
public sealed class UnixInitTests
{
    private static readonly string[] Unshare = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

    [Fact]
    public void RunAsPid1_NotPid1_IsNull()
    {
        Assert.Null(UnixInit.RunAsPid1([]));
        Assert.Throws<ArgumentNullException>("args", () => UnixInit.RunAsPid1(null!));
    }

    /// <summary>What an update has put in the place of a program that runs is not executed in the middle of it.</summary>
    [Fact]
    public void OwnName_AnotherFileHasTheName_IsTheLink()
    {
        string other = Path.GetTempFileName();
        string link = other + ".link";
        File.CreateSymbolicLink(link, Environment.ProcessPath!);

        string[] names = [InitProgram.OwnName(Environment.ProcessPath), InitProgram.OwnName(link), InitProgram.OwnName(other), InitProgram.OwnName("/no/such/file"), InitProgram.OwnName(null)];

        File.Delete(link);
        File.Delete(other);
        Assert.Equal([Environment.ProcessPath, link, "/proc/self/exe", "/proc/self/exe", "/proc/self/exe"], names);
    }

    [Fact]
    public void Options_MapOfASignalThatIsNotPassedOn_AreRefusedBeforeAnythingElse()
    {
        UnixInitOptions options = new();
        options.SignalMap[UnixSignal.Kill] = UnixSignal.Term;
        string[] messages =
        [
            Assert.Throws<ArgumentException>(() => UnixInit.RunAsPid1([], options)).Message,
            Assert.Throws<ArgumentException>(() => UnixInit.Run("/no/such/program", [], options)).Message,
        ];
        Assert.All(messages, static message => Assert.Equal("SignalMap: SIGKILL can't become SIGTERM: the kernel allows no handler for it.", message));

        options.SignalMap.Clear();
        options.SignalMap[UnixSignal.Term] = default;
        Assert.Contains("default(UnixSignal) is no signal", Assert.Throws<ArgumentException>(() => UnixInit.RunAsPid1([], options)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fileName", "/bin/ec\0ho", "a")]
    [InlineData("arguments", "/bin/echo", "a\0b")]
    [InlineData("arguments", "/bin/echo", null)]
    public void Run_TextThatNoCommandCanGet_IsRefusedBeforeAnythingElse(string parameter, string fileName, string? argument) =>
        Assert.Equal(parameter, Assert.ThrowsAny<ArgumentException>(() => UnixInit.Run(fileName, [argument!])).ParamName);

    [Theory]
    [InlineData("pidfd")]
    [InlineData("threaded")]
    [InlineData("safe")]
    [InlineData("fast")]
    [InlineData("multiloop")]
    public async Task Rule15_BelowInit_NoneOfAThousandStatusesIsLost(string watcher)
    {
        await using ScenarioProcess scenario = StartBelowInit(InitScenarios.WatchThousandAsync, watcher);
        await scenario.EndWellAsync();
    }

    [Fact]
    public async Task RunAsPid1_Orphans_AreReaped_AndNobodyElsesChild()
    {
        await using ScenarioProcess scenario = StartBelowInit(InitScenarios.LeaveOrphansAsync);
        await scenario.EndWellAsync();
    }

    [Fact]
    public async Task RunAsPid1_AdoptedExits_AreToldToTheApp()
    {
        InitProcessTests.RequiresPidNamespace();
        // As below another init of ours, whose variable stands in the environment still.
        await using ScenarioProcess scenario = ScenarioProcess.Start(InitScenarios.TellAdoptedExitsAsync, [], [.. Unshare, "env", "UNIXLOOP_INIT=999999:9"], belowInit: true);
        await scenario.EndWellAsync();
    }

    [Fact]
    public async Task RunAsPid1_Signals_ArePassedOnOnceEach()
    {
        await using ScenarioProcess scenario = StartBelowInit(InitScenarios.CountSignalsAsync);
        await scenario.EndWellAsync();
    }

    [Fact]
    public async Task Run_ProgramWithCapabilities_CommandHasItsVariables()
    {
        Requires.Root();
        string[] asNobody = [Requires.Tool("setpriv"), "--reuid=65534", "--clear-groups"];
        using var probe = System.Diagnostics.Process.Start(asNobody[0], [.. asNobody[1..], "test", "-r", typeof(UnixInitTests).Assembly.Location]);
        Requires.That(probe.WaitForExit(TestTimeout) && probe.ExitCode == 0, "a folder that another user can read");
        await using ScenarioProcess scenario = ScenarioProcess.Start(InitScenarios.RunUndumpableAsync, [], [.. asNobody, "env", "UNIXLOOP_TEST=a b=\u00fc"]);
        await scenario.EndWellAsync();
    }

    [Theory]
    [InlineData("exit", 0, 0)]
    [InlineData("exit", 7, 7)]
    [InlineData("exit", 255, 255)]
    [InlineData("signal", 9, 137)]
    [InlineData("signal", 15, 143)]
    public async Task RunAsPid1_EndOfTheChild_IsPassedOn(string how, int number, int expected)
    {
        await using ScenarioProcess scenario = StartBelowInit(InitScenarios.EndAsync, how, $"{number}");
        Assert.Equal(expected, await scenario.WaitForExitAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RunAsPid1_Child_HasOurArgumentsVariablesStreamsAndAGroup(bool byDotnet)
    {
        InitProcessTests.RequiresPidNamespace();
        string[] via = [.. Unshare, "env", "UNIXLOOP_TEST=a b=\u00fc"];
        await using ScenarioProcess scenario = ScenarioProcess.Start(InitScenarios.TellSurroundingsAsync, ["", "two words", "\u00fc"], via, belowInit: true, byDotnet: byDotnet);
        Assert.Equal("arguments: '' 'two words' '\u00fc'", await scenario.ReadLineAsync());
        Assert.Equal("variable: a b=\u00fc", await scenario.ReadLineAsync());
        Assert.Equal("leads its group: True, child of 1", await scenario.ReadLineAsync());
        await scenario.WriteLineAsync("input");
        Assert.Equal("read: input", await scenario.ReadLineAsync());
        await scenario.EndWellAsync();
    }

    private static ScenarioProcess StartBelowInit(Func<string[], Task> scenario, params string[] args)
    {
        InitProcessTests.RequiresPidNamespace();
        return ScenarioProcess.Start(scenario, args, Unshare, belowInit: true);
    }
}
