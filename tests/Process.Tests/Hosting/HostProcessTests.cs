using System.Diagnostics;
using UnixLoop.Hosting;
using UnixLoop.Process.Tests.Scenarios;

namespace UnixLoop.Process.Tests.Hosting;

/// <summary>What else a host does that concerns its whole process.</summary>
public sealed class HostProcessTests
{
    private const int Hup = 1;
    private const int Usr1 = 10;
    private const int Term = 15;

    [Fact]
    public async Task Hangup_WithReload_AppliesTheEditedFile()
    {
        using var file = new ConfigurationFile("old");
        await using ScenarioProcess host = ScenarioProcess.Start(HostScenarios.ReloadAsync, [file.Path, "--UnixEventLoop:ReloadOnHangup=true"]);
        await host.ExpectAsync("started");
        Assert.Equal("word old", await AskAsync(host));
        file.Write("new");
        Assert.Equal("word old", await AskAsync(host));

        host.Kill(Hup);

        await host.ExpectAsync("log ConfigurationReloaded");
        Assert.Equal("word new", await AskAsync(host));
        await host.EndWellAsync();
    }

    [Fact]
    public async Task Hangup_WithReloadOfABrokenFile_KeepsTheOldValues()
    {
        using var file = new ConfigurationFile("old");
        await using ScenarioProcess host = ScenarioProcess.Start(HostScenarios.ReloadAsync, [file.Path, "--UnixEventLoop:ReloadOnHangup=true"]);
        await host.ExpectAsync("started");
        file.Break();

        host.Kill(Hup);

        await host.ExpectAsync("log ConfigurationNotReloaded");
        Assert.Equal("word old", await AskAsync(host));
        await host.EndWellAsync();
    }

    [Fact]
    public async Task Hangup_WithoutReload_EndsTheApplication()
    {
        using var file = new ConfigurationFile("old");
        await using ScenarioProcess host = ScenarioProcess.Start(HostScenarios.ReloadAsync, [file.Path]);
        await host.ExpectAsync("started");

        host.Kill(Hup);

        Assert.Equal(128 + Hup, await host.WaitForExitAsync());
    }

    [Fact]
    public async Task Hangup_WhileChildrenStop_IsNotFatal()
    {
        await using ScenarioProcess host = ScenarioProcess.Start(HostScenarios.ChildHangsUpAsync, ["--UnixEventLoop:ReloadOnHangup=true"]);
        await host.ExpectAsync("started");

        host.Kill(Term);

        await host.ExpectAsync("log ChildStopped");
        await host.ExpectAsync("log LoopStopped");
        Assert.Equal(0, await host.WaitForExitAsync());
    }

    [Fact]
    public async Task Start_OffLinux_FailsBeforeAnythingNativeIsReached()
    {
        await using ScenarioProcess host = ScenarioProcess.Start(HostScenarios.OffLinuxAsync);

        await host.ExpectAsync(nameof(PlatformNotSupportedException));
        await host.ExpectAsync("native False");
    }

    [Theory]
    [InlineData("default")]
    [InlineData("further")]
    public async Task Loop_Dying_StopsTheHostWithExitCode1(string which)
    {
        await using ScenarioProcess host = ScenarioProcess.Start(HostScenarios.LoopDiesAsync, [$"--loop={which}"]);

        await host.ExpectAsync("log LoopDied");
        await host.ExpectAsync("exit code 1");
        Assert.Equal(0, await host.WaitForExitAsync()); // a Main that returns int has the last word
    }

    /// <summary>
    /// A second of the host's time, and less than the two that are planned for the rest: a child that such a loop can't reap is waited for
    /// once, beside the loop's own wait. The best of three: the machine may be busy with other things once, or twice.
    /// </summary>
    [Theory]
    [InlineData("default")]
    [InlineData("named")]
    [InlineData("further")]
    public async Task Stop_CallbackNeverLetsALoopGo_TheProcessEndsAllTheSame(string which)
    {
        TimeSpan planned = TimeSpan.FromSeconds(1) + ShutdownBudget.Reserve;
        TimeSpan best = TimeSpan.MaxValue;
        for (int i = 0; i < 3 && best >= planned; i++)
        {
            TimeSpan taken = await StopHeldAsync(which);
            best = taken < best ? taken : best;
        }
        Assert.InRange(best, TimeSpan.FromSeconds(1), planned);
    }

    [Fact]
    public async Task Stop_Children_GoDownInParallelAndTheLogSaysWhoNeededKill()
    {
        await using ScenarioProcess host = ScenarioProcess.Start(HostScenarios.ChildrenAsync, ["--UnixEventLoop:ChildStopGrace=00:00:00.500"]);
        string[] children = [await PidAsync(host), await PidAsync(host)];

        host.Kill(Term);

        List<string> said = [];
        do
            said.Add(await host.ReadLineAsync());
        while (said[^1] != "log ChildrenStopped");
        Assert.Contains("log ChildStopped", said);
        Assert.Contains("log ChildKilled", said);
        Assert.Equal(0, await host.WaitForExitAsync());
        Assert.All(children, pid => Assert.False(Directory.Exists($"/proc/{pid}")));
    }

    /// <summary>From the signal to the exit of a host whose loop is held.</summary>
    private static async Task<TimeSpan> StopHeldAsync(string which)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("held-");
        await using ScenarioProcess host = ScenarioProcess.Start(HostScenarios.WatchedAsync, [
            $"--block={which}", "--shutdownTimeoutSeconds=1", "--UnixEventLoop:ChildStopGrace=00:00:00", $"--UnixEventLoop:HealthSocket={folder.FullName}/health",
            "--UnixEventLoop:Processes:web:FileName=/bin/sleep", "--UnixEventLoop:Processes:web:Arguments:0=1000"]);
        await host.ExpectAsync("started", "log ProcessReady");
        host.Kill(Usr1);
        await host.ExpectAsync("blocked");

        long began = Stopwatch.GetTimestamp();
        host.Kill(Term);

        string[] said = await host.ReadToEndAsync();
        Assert.Contains("log LoopNotStopped", said);
        Assert.Equal(which == "default" ? 1 : 0, said.Count(line => line == "log SubprocessNotReaped"));
        Assert.Equal(0, await host.WaitForExitAsync());
        folder.Delete(recursive: true);
        return Stopwatch.GetElapsedTime(began);
    }

    private static async Task<string> AskAsync(ScenarioProcess host)
    {
        await host.WriteLineAsync("word?");
        string line;
        do
            line = await host.ReadLineAsync();
        while (!line.StartsWith("word ", StringComparison.Ordinal));
        return line;
    }

    private static async Task<string> PidAsync(ScenarioProcess host)
    {
        string line;
        do
            line = await host.ReadLineAsync();
        while (!int.TryParse(line, out _));
        return line;
    }

    private sealed class ConfigurationFile : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("reload-");

        internal ConfigurationFile(string word) => Write(word);

        internal string Path => System.IO.Path.Combine(_folder.FullName, "settings.json");

        public void Dispose() => _folder.Delete(recursive: true);

        internal void Write(string word) => File.WriteAllText(Path, $$"""{ "word": "{{word}}" }""");

        internal void Break() => File.WriteAllText(Path, "{ \"word\": ");
    }
}
