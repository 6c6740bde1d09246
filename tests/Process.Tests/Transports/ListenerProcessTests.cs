using System.Text.RegularExpressions;
using UnixLoop.Process.Tests.Scenarios;

namespace UnixLoop.Process.Tests.Transports;

/// <summary>What of listeners concerns the whole process: its umask, its limit of descriptors, the calls that it makes.</summary>
public sealed partial class ListenerProcessTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("unixloop-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("000")]
    [InlineData("022")]
    [InlineData("077")]
    public async Task Rule23_Umask_TakesNothingFromTheMode(string umask)
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(
            ListenerScenarios.BindAsync, [_folder], via: ["/bin/sh", "-c", $"umask {umask}; exec \"$@\"", "sh"]);
        Assert.Equal("753 662 662", await scenario.ReadLineAsync());
        await scenario.EndWellAsync();
    }

    /// <summary>In the kernel's own words: narrowed before there is a file; nobody is let in before its mode is final.</summary>
    [Fact]
    public async Task Rule23_Calls_NarrowBeforeBindAndWidenBeforeListen()
    {
        string strace = Requires.Tool("strace");
        string log = Path.Combine(_folder, "strace");
        await using (ScenarioProcess scenario = ScenarioProcess.Start(
            ListenerScenarios.BindAsync, [_folder], via: [strace, "-f", "-e", "trace=fchmod,bind,chmod,fchmodat,listen,renameat2", "-o", log]))
        {
            await scenario.ReadLineAsync();
            await scenario.EndWellAsync();
        }
        string[] calls = [.. File.ReadLines(log).Select(line => Call.Match(line)).Where(call => call.Success)
            .Select(call => call.Groups["name"].Value + call.Groups["mode"].Value).SkipWhile(call => call != "fchmodat0753").Skip(1)];
        // After the directory, which the runtime's own socket comes before: the stream socket, then the datagram socket, which becomes visible by its rename.
        Assert.Equal(
            ["fchmod0600", "bind", "fchmodat0662", "listen", "fchmod0600", "bind", "fchmodat0662", "renameat2"],
            calls);
    }

    [Fact]
    public async Task Accept_NoDescriptorLeft_PausesAndGoesOn()
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(ListenerScenarios.AcceptWithoutDescriptorsAsync, [_folder], FullPool.Via);
        await scenario.EndWellAsync();
    }

    [Fact]
    public async Task Accept_NoDescriptorLeft_GoesOnOnceAConnectionHasEnded()
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(ListenerScenarios.AcceptOnceAConnectionHasEndedAsync, [_folder], FullPool.Via);
        await scenario.EndWellAsync();
    }

    [GeneratedRegex(@"\b(?<name>fchmod|bind|chmod|fchmodat|listen|renameat2)\([^)<]*?(, (?<mode>0\d\d\d)(, 0)?)?(\)\s+= 0|\s+<unfinished)")]
    private static partial Regex Call { get; }
}
