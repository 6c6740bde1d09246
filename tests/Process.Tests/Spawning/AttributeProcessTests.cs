using System.Globalization;
using System.Runtime.Versioning;
using UnixLoop.Interop;
using UnixLoop.Process.Tests.Scenarios;

namespace UnixLoop.Process.Tests.Spawning;

/// <summary>Attributes whose effect is on, or depends on, the whole process that starts.</summary>
[SupportedOSPlatform("linux")]
public sealed class AttributeProcessTests
{
    /// <summary>10,000 are what the rule asks for; they take half a minute.</summary>
    private static readonly string StormSpawns = Environment.GetEnvironmentVariable("UNIXLOOP_STORM_SPAWNS") ?? "1000";

    public AttributeProcessTests() => Requires.That(SpawnHelper.Missing is null, "the native helper");

    [Theory]
    [InlineData("pool")]
    [InlineData("loop")]
    [InlineData("ending thread")]
    public async Task Rule11_ParentThatIsKilled_TakesTheChildAlong(string startedFrom)
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(AttributeScenarios.DieWithParentAsync, [startedFrom]);
        int pid = int.Parse(await scenario.ReadLineAsync(), System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal("still there", await scenario.ReadLineAsync());
        const int SIGKILL = 9;
        scenario.Kill(SIGKILL);
        Assert.True(Eventually.TryWait(() => IsGone(pid), TestTimeout), "the child outlived its parent");
    }

    [Fact]
    public async Task Rule12_UserChange_LeavesUsDumpable()
    {
        Requires.Root();
        await using ScenarioProcess scenario = ScenarioProcess.Start(AttributeScenarios.StayDumpableAsync);
        await scenario.EndWellAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Rule12_StormOfSignals_DisturbsNoStart(bool changesUser)
    {
        if (changesUser)
            Requires.Root();
        await using ScenarioProcess scenario = ScenarioProcess.Start(AttributeScenarios.StormAsync, [StormSpawns, $"{changesUser}"]);
        await scenario.EndWellAsync(TestTimeout * Math.Max(1, int.Parse(StormSpawns, CultureInfo.InvariantCulture) / 500));
    }

    [Fact]
    public async Task Rule12_PlainStartByTheHelper_GivesWhatPosixSpawnGives()
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(AttributeScenarios.CompareAsync, via: ["nohup"]);
        await scenario.EndWellAsync();
    }

    [Fact]
    public async Task Refusals_OfAnUnprivilegedUser_NameTheStep()
    {
        Requires.Root();
        string setpriv = Requires.Tool("setpriv");
        await using ScenarioProcess scenario = ScenarioProcess.Start(AttributeScenarios.RefusalsAsync, via: [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", "env", "DOTNET_EnableDiagnostics=0"]);
        Assert.Equal("EPERM: can't start 'true': SubprocessAttributes.User: setgroups: Operation not permitted; it takes CAP_SETGID", await scenario.ReadLineAsync());
        Assert.Equal("EPERM: can't start 'true': SubprocessAttributes.Groups: setgroups: Operation not permitted; it takes CAP_SETGID", await scenario.ReadLineAsync());
        Assert.Equal("EPERM: can't start 'true': SubprocessAttributes.Group: setresgid to 1: Operation not permitted; it takes CAP_SETGID", await scenario.ReadLineAsync());
        Assert.Equal("EPERM: can't start 'true': SubprocessAttributes.Limits[Nice]: setrlimit to 40: Operation not permitted; raising a hard limit takes CAP_SYS_RESOURCE", await scenario.ReadLineAsync());
        await scenario.EndWellAsync();
    }

    [Fact]
    public async Task Helper_Missing_IsNamed()
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(AttributeScenarios.WithoutHelperAsync);
        await scenario.EndWellAsync();
    }

    private static bool IsGone(int pid)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[stat.LastIndexOf(')') + 2] is 'Z' or 'X';
        }
        catch (IOException)
        {
            return true;
        }
    }
}
