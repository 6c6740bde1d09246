using Microsoft.Extensions.DependencyInjection;

namespace UnixLoop.Hosting.Tests.Supervision;

public sealed class ReloadTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Fact]
    public async Task Reload_AddedRemovedChanged_TouchesNothingElse()
    {
        await using SupervisedHost host = await StartAsync([.. Sleeper("kept"), .. Sleeper("gone"), .. Sleeper("changed")]);
        int? kept = host.Expect("kept", SupervisedProcessState.Ready).ProcessId;
        int? changed = host.Expect("changed", SupervisedProcessState.Ready).ProcessId;
        int gone = host.Expect("gone", SupervisedProcessState.Ready).ProcessId!.Value;

        host.Reload(Of([.. Sleeper("kept"), .. Sleeper("new"), .. Sleeper("changed", ("StopGrace", "00:00:02"))]));

        host.Expect("changed", status => status.State == SupervisedProcessState.Ready && status.ProcessId != changed, "a new child");
        Eventually.True(() => host.Supervisor.GetProcesses().Select(status => status.Name).SequenceEqual(["changed", "kept", "new"]), "gone is gone");
        host.Expect("new", SupervisedProcessState.Ready);
        Assert.Equal(kept, host.Supervisor.GetProcess("kept").ProcessId);
        Assert.Equal(1, host.Supervisor.GetProcess("kept").Starts);
        Assert.False(Directory.Exists($"/proc/{gone}"));
        host.ExpectEvent("ProcessesReloaded");
        Assert.Contains(host.Messages, message => message.EndsWith("1 added, 1 removed, 1 changed, 1 kept.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Reload_Mistakes_AreAllNamedAndChangeNothing()
    {
        await using SupervisedHost host = await StartAsync(Sleeper("web"));
        int? before = host.Expect("web", SupervisedProcessState.Ready).ProcessId;

        host.Reload(Of([
            .. Sleeper("web", ("Restart", "Sometimes"), ("StopSignal", "TREM"), ("StopGrace", "soon"), ("Restrat", "Always")),
            .. Sleeper("other", ("ReadyPattern", "("), ("MaxStarts", "-1"), ("Limits:NoFile", "many")),
            .. Sleeper("third"),
        ]));
        host.ExpectEvent("ProcessesNotReloaded");

        string message = host.Messages.Single(message => message.Contains("nothing is changed", StringComparison.Ordinal));
        Assert.Contains("Process 'web': ", message);
        Assert.Contains("'Sometimes' at 'UnixEventLoop:Processes:web:Restart'", message);
        Assert.Contains("'soon' at 'UnixEventLoop:Processes:web:StopGrace'", message);
        Assert.Contains("Process 'web': StopSignal is 'TREM'", message);
        Assert.Contains("Process 'web': UnixEventLoop:Processes:web:Restrat is no option", message);
        Assert.DoesNotContain("FileName", message);
        Assert.Contains("Process 'other': ReadyPattern is no regular expression", message);
        Assert.Contains("Process 'other': MaxStarts is -1", message);
        Assert.Contains("Process 'other': Limits:NoFile is 'many'", message);
        Assert.Equal(before, host.Supervisor.GetProcess("web").ProcessId);
        Assert.Single(host.Supervisor.GetProcesses());

        host.Reload(Of(Sleeper("web", ("StopSignal", "INT"))));
        host.Expect("web", status => status.State == SupervisedProcessState.Ready && status.ProcessId != before, "mended, it is applied");
    }

    [Fact]
    public async Task Stop_WhileAReloadHangs_ProcessesAreStoppedAllTheSame()
    {
        using var hold = new ManualResetEventSlim(initialState: true);
        using var reading = new ManualResetEventSlim();
        await using SupervisedHost host = await SupervisedHost.StartAsync(builder => builder.AddSupervisedProcess("web", options =>
        {
            reading.Set();
            hold.Wait(TestTimeout);
            SupervisedHost.Shell(options, "exec sleep 1000");
        }));
        host.Expect("web", SupervisedProcessState.Ready);
        hold.Reset();
        reading.Reset();
        host.Reload([]);
        Assert.True(reading.Wait(TestTimeout));

        Task stop = host.StopAsync();

        Assert.Equal(UnixSignal.Term, host.Expect("web", SupervisedProcessState.Stopped).LastExits[^1].Status!.Value.Signal);
        hold.Set();
        await stop;
    }

    [Fact]
    public async Task Reload_Stopped_StaysStopped()
    {
        await using SupervisedHost host = await StartAsync([.. Sleeper("web"), .. Sleeper("probe")]);
        await host.Supervisor.StopAsync("web").WaitAsync(TestTimeout);
        host.Reload(Of([.. Sleeper("web", ("StopSignal", "INT")), .. Sleeper("probe", ("StopSignal", "INT"))]));
        host.Expect("probe", status => status is { State: SupervisedProcessState.Ready, Starts: 2 }, "the reload is applied");
        Assert.Equal(SupervisedProcessState.Stopped, host.Supervisor.GetProcess("web").State);
        // With the options of the reload.
        await host.Supervisor.StartAsync("web").WaitAsync(TestTimeout);
        await host.Supervisor.StopAsync("web").WaitAsync(TestTimeout);
        Assert.Equal(UnixSignal.Int, host.Supervisor.GetProcess("web").LastExits[^1].Status!.Value.Signal);
    }

    [Fact]
    public async Task Reload_Failed_IsTriedAnew()
    {
        await using SupervisedHost host = await StartAsync(Sleeper("web", ("FileName", "/no/such/program"), ("Restart", "Never")));
        host.Expect("web", SupervisedProcessState.Failed);
        host.Reload(Of(Sleeper("web")));
        host.Expect("web", SupervisedProcessState.Ready);
    }

    [Fact]
    public async Task Reload_AutoStart_StartsAndStops()
    {
        await using SupervisedHost host = await StartAsync(Sleeper("web", ("AutoStart", "false")));
        Assert.Equal(SupervisedProcessState.Stopped, host.Supervisor.GetProcess("web").State);
        host.Reload(Of(Sleeper("web")));
        host.Expect("web", SupervisedProcessState.Ready);
        host.Reload(Of(Sleeper("web", ("AutoStart", "false"))));
        host.Expect("web", SupervisedProcessState.Stopped);
    }

    [Fact]
    public async Task Reload_AutoStartAmongOthers_RestartsWhatRunsAlready()
    {
        await using SupervisedHost host = await StartAsync(Sleeper("web", ("AutoStart", "false")));
        int? before = (await host.Supervisor.StartAsync("web").WaitAsync(TestTimeout)).ProcessId;
        Assert.NotNull(before);
        host.Reload(Of(Sleeper("web", ("StopGrace", "00:00:02"))));
        host.Expect("web", status => status.State == SupervisedProcessState.Ready && status.ProcessId != before, "a new child");
    }

    [Fact]
    public async Task Reload_BackWhileItIsGoing_NeverRunsTwice()
    {
        string gate = Path.GetTempFileName();
        await using SupervisedHost host = await StartAsync(Slow());
        int first = host.Expect("slow", SupervisedProcessState.Ready).ProcessId!.Value;
        host.Reload([]);
        host.Expect("slow", SupervisedProcessState.Stopping);
        host.Reload(Of(Slow()));
        // It takes its time to end: the next child comes after that.
        host.Expect("slow", SupervisedProcessState.Restarting);
        Assert.True(Directory.Exists($"/proc/{first}"));
        File.Delete(gate);
        host.Expect("slow", status => status.State == SupervisedProcessState.Ready && status.ProcessId != first, "a new child");
        Assert.False(Directory.Exists($"/proc/{first}"));
        Assert.Single(host.Supervisor.GetProcesses());

        (string, string)[] Slow() =>
        [
            ("slow:FileName", "/bin/sh"), ("slow:Arguments:0", "-c"), ("slow:ReadyPattern", "up"), ("slow:StopGrace", "00:00:20"),
            ("slow:Arguments:1", $"trap t=1 TERM; echo up; until [ \"$t\" ] && [ ! -e {gate} ]; do sleep 0.02; done"),
        ];
    }

    [Fact]
    public async Task Reload_CodeAndConfiguration_AreBothInIt()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync(
            builder => builder.AddSupervisedProcess("web", options => options.FileName = "/bin/sleep"), Of(("web:Arguments:0", "1000")));
        host.Expect("web", SupervisedProcessState.Ready);
        host.Reload(Of(("WEB:Arguments:0", "1001")));
        int pid = host.Expect("web", status => status is { State: SupervisedProcessState.Ready, Starts: 2 }, "a second start").ProcessId!.Value;
        // The kernel lets a spawner go on before the new program's arguments are in place: until then the file is empty.
        Eventually.True(() => File.ReadAllText($"/proc/{pid}/cmdline") == "/bin/sleep\01001\0", () => File.ReadAllText($"/proc/{pid}/cmdline"));
    }

    private static Task<SupervisedHost> StartAsync(params (string Key, string Value)[] processes) => SupervisedHost.StartAsync(_ => { }, Of(processes));

    private static (string, string)[] Sleeper(string name, params (string Key, string Value)[] more) =>
        [($"{name}:FileName", "/bin/sleep"), ($"{name}:Arguments:0", "1000"), .. more.Select(pair => ($"{name}:{pair.Key}", pair.Value))];

    private static Dictionary<string, string?> Of(params (string Key, string Value)[] values)
    {
        Dictionary<string, string?> configuration = [];
        foreach ((string key, string value) in values)
            configuration[$"UnixEventLoop:Processes:{key}"] = value;
        return configuration;
    }
}
