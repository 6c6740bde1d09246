using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Process.Tests.Hosting;

/// <summary>NOTIFY_SOCKET is set, and UseSystemd is called before, after or not at all.</summary>
/// <remarks>UseSystemd does something only in a child of a process named systemd; so this one takes that name.</remarks>
public sealed class ServiceManagerTests : IDisposable
{
    private const int Hup = 1;
    private const int Usr1 = 10;
    private const int Term = 15;
    private const string OwnName = "/proc/self/comm";

    private readonly string _ownName = File.ReadAllText(OwnName);

    public ServiceManagerTests() => File.WriteAllText(OwnName, "systemd");

    public void Dispose() => File.WriteAllText(OwnName, _ownName);

    [Theory]
    [InlineData("none", false)]
    [InlineData("none", true)]
    [InlineData("systemd-first", false)]
    [InlineData("systemd-first", true)]
    public async Task Rule30_Notify_OurLifetime_TellsReadyAndStoppingOnce(string lifetime, bool isAbstract)
    {
        using var manager = new ServiceManager(isAbstract);
        await using ScenarioProcess host = Start(manager, $"--lifetime={lifetime}", "--UnixEventLoop:ShutdownDelay=00:59:00");
        Assert.Equal("READY=1\nSTATUS=Serving", manager.Receive());
        await host.ExpectAsync("started");

        host.Kill(Term);
        Assert.Equal("STOPPING=1\nSTATUS=Draining for 00:59:00\nEXTEND_TIMEOUT_USEC=3572000000", manager.Receive());
        await host.ExpectAsync("draining");
        host.Kill(Term);

        Assert.Equal("STATUS=Stopping\nEXTEND_TIMEOUT_USEC=32000000", manager.Receive());
        await host.ExpectEndAsync("stopped", 0);
        Assert.True(manager.IsEmpty);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("systemd-first")]
    public async Task Rule30_Notify_NobodyReads_StartsAndStopsAllTheSame(string lifetime)
    {
        using var manager = new ServiceManager(isAbstract: false);
        manager.Fill();
        await using ScenarioProcess host = await StartAsync("log ServiceManagerNotNotified", manager, $"--lifetime={lifetime}");
        await host.ExpectAsync("started");

        host.Kill(Term);

        await host.ExpectAsync("log ServiceManagerNotNotified");
        await host.ExpectEndAsync("stopped", 0);
    }

    [Fact]
    public async Task Rule30_Notify_SystemdsLifetimeAfterOurs_TellsReadyAndStoppingOnce()
    {
        using var manager = new ServiceManager(isAbstract: false);
        await using ScenarioProcess host = await StartAsync("log LifetimeSteppedBack", manager, "--lifetime=systemd-last", "--hang=stop-until-line", "--onterm=true");
        Assert.Equal("READY=1", manager.Receive());
        await host.ExpectAsync("started");

        host.Kill(Term);

        Assert.Equal("STOPPING=1", manager.Receive());
        await host.ExpectAsync("hanging", "handler of TERM");
        host.Kill(Term);
        await host.ExpectAsync("handler of TERM");
        await host.WriteLineAsync("go on");
        await host.ExpectEndAsync("stopped", 0);
        Assert.True(manager.IsEmpty);
    }

    [Fact]
    public async Task Start_SystemdsLifetimeAfterOursWithDelay_SaysTheRightOrder()
    {
        using var manager = new ServiceManager(isAbstract: false);
        await using ScenarioProcess host = Start(manager, "--lifetime=systemd-last", "--UnixEventLoop:ShutdownDelay=00:00:05");

        Assert.Contains("call UseSystemd before AddUnixEventLoop", await host.ReadToLineAsync("refused: "), StringComparison.OrdinalIgnoreCase);
        Assert.True(manager.IsEmpty);
    }

    [Fact]
    public async Task Rule30_Notify_StartCancelled_IsNeverReady()
    {
        using var manager = new ServiceManager(isAbstract: false);
        await using ScenarioProcess host = await StartAsync("starting", manager, "--hang=start");

        host.Kill(Term);

        Assert.Equal("STOPPING=1\nSTATUS=Stopping\nEXTEND_TIMEOUT_USEC=32000000", manager.Receive());
        await host.ExpectAsync("start cancelled");
        await host.WaitForExitAsync();
        Assert.True(manager.IsEmpty);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("systemd-first")]
    [InlineData("systemd-last")]
    public async Task Signal_BeforeTheStart_HasItsDefaultAction_AndNothingIsTold(string lifetime)
    {
        using var manager = new ServiceManager(isAbstract: false);
        await using ScenarioProcess host = await StartAsync("built", manager, $"--lifetime={lifetime}", "--waits=true");

        host.Kill(Term);

        Assert.Equal(128 + Term, await host.WaitForExitAsync());
        Assert.True(manager.IsEmpty);
    }

    [Theory]
    [InlineData("systemd-first")]
    [InlineData("systemd-last")]
    public async Task Signal_DuringStart_CancelsTheStart_AndReadyIsNeverTold(string lifetime)
    {
        using var manager = new ServiceManager(isAbstract: false);
        await using ScenarioProcess host = await StartAsync("starting", manager, $"--lifetime={lifetime}", "--hang=start");

        host.Kill(Term);

        Assert.StartsWith("STOPPING=1", manager.Receive(), StringComparison.Ordinal);
        await host.ExpectEndAsync("start cancelled", 0);
        Assert.True(manager.IsEmpty);
    }

    [Fact]
    public async Task Signal_TwiceWhileStopping_AfterSystemd_ForcesTheExit()
    {
        using var manager = new ServiceManager(isAbstract: false);
        await using ScenarioProcess host = await StartAsync("started", manager, "--lifetime=systemd-first", "--hang=stop");

        host.Kill(Term);
        await host.ExpectAsync("hanging");
        host.Kill(Term);

        await host.ExpectEndAsync("log ForcedExit", 128 + Term);
    }

    [Theory]
    [InlineData("none", true)]
    [InlineData("none", false)]
    [InlineData("systemd-first", true)]
    [InlineData("systemd-last", true)]
    public async Task Rule30_Reload_ReadyFollowsAlsoAfterAFailedOne(string lifetime, bool succeeds)
    {
        using var manager = new ServiceManager(isAbstract: false);
        await using ScenarioProcess host = Start(manager, $"--lifetime={lifetime}", "--UnixEventLoop:ReloadOnHangup=true", $"--reload={(succeeds ? "well" : "fails")}");
        Assert.StartsWith("READY=1", manager.Receive(), StringComparison.Ordinal);
        await host.ExpectAsync("started");

        long before = TestLibc.MonotonicMicroseconds();
        host.Kill(Hup);
        string[] reloading = manager.Receive().Split('\n');
        long after = TestLibc.MonotonicMicroseconds();

        Assert.Equal("RELOADING=1", reloading[0]);
        Assert.InRange(long.Parse(reloading[1]["MONOTONIC_USEC=".Length..]), before, after);
        Assert.Equal("READY=1\nSTATUS=Serving", manager.Receive());
        await host.ExpectAsync(succeeds ? "log ConfigurationReloaded" : "log ConfigurationNotReloaded");
        host.Kill(Term);
        Assert.StartsWith("STOPPING=1", manager.Receive(), StringComparison.Ordinal);
        Assert.Equal(0, await host.WaitForExitAsync());
        Assert.True(manager.IsEmpty);
    }

    [Fact]
    public async Task Rule30_Reload_BeforeReady_IsNotTold()
    {
        using var manager = new ServiceManager(isAbstract: false);
        await using ScenarioProcess host = await StartAsync("starting", manager, "--hang=start", "--UnixEventLoop:ReloadOnHangup=true");

        host.Kill(Hup);

        await host.ExpectAsync("log ConfigurationReloaded");
        Assert.True(manager.IsEmpty); // READY=1 would call it started
    }

    [Theory]
    [InlineData("default")]
    [InlineData("named")]
    [InlineData("further")]
    public async Task Rule30_Watchdog_LoopBlocked_Stops(string blocked)
    {
        using var manager = new ServiceManager(isAbstract: false);
        await using ScenarioProcess host = StartWatched(manager, "100000", "", $"--block={blocked}");
        await host.ExpectAsync("started");
        for (int beats = 0; beats < 5; beats += manager.Receive() == "WATCHDOG=1" ? 1 : 0)
        {
        }

        host.Kill(Usr1);
        // A busy machine may have held a loop up for a beat before.
        int withheld = await CountWithheldAsync(host, "blocked");

        // What was on its way when the loop came to be blocked.
        Assert.True(Eventually.TryWait(() => manager.IsEmpty || manager.Receive().Length == 0, TestTimeout));
        Assert.False(Eventually.TryWait(() => !manager.IsEmpty, TimeSpan.FromMilliseconds(400)), "four times the interval without a word");
        if (blocked != "default" && withheld == 0)
            await host.ExpectAsync("log WatchdogWithheld");
        await host.WriteLineAsync("go on");
        Assert.Equal("WATCHDOG=1", manager.Receive());
        int more = await CountWithheldAsync(host, "goes on");
        Assert.True(more <= Math.Min(withheld, 1), $"{more} lines more while it was blocked, {withheld} before");
    }

    /// <summary>How often the scenario says that a beat was withheld before it says <paramref name="line"/>.</summary>
    private static async Task<int> CountWithheldAsync(ScenarioProcess host, string line)
    {
        int count = 0;
        for (string said = ""; said != line; said = await host.ReadLineAsync())
            count += said == "log WatchdogWithheld" ? 1 : 0;
        return count;
    }

    /// <summary>READY, the first beat and STOPPING: a beat follows each millisecond.</summary>
    [Fact]
    public async Task Rule30_Watchdog_NobodyReads_IsWarnedOfOnce()
    {
        using var manager = new ServiceManager(isAbstract: false);
        manager.Fill();
        await using ScenarioProcess host = StartWatched(manager, "1", "", "--block=default");
        int warnings = 0;
        for (string said = ""; said != "started"; said = await host.ReadLineAsync())
            warnings += said == "log ServiceManagerNotNotified" ? 1 : 0;

        host.Kill(Term);

        string[] rest = await host.ReadToEndAsync();
        Assert.Equal(3, warnings + rest.Count(said => said == "log ServiceManagerNotNotified"));
        Assert.Equal(0, await host.WaitForExitAsync());
    }

    [Theory]
    [InlineData("100000", "1", false)]
    [InlineData("soon", "", false)]
    [InlineData("0", "", false)]
    [InlineData("100000", "ours", true)]
    public async Task Rule30_Watchdog_IsServedIfItMeansUs(string time, string process, bool served)
    {
        using var manager = new ServiceManager(isAbstract: false);
        await using ScenarioProcess host = StartWatched(manager, time, process);
        await host.ExpectAsync("started");
        List<string> told = [];
        bool beat = Eventually.TryWait(() => TakeAll(manager, told).Contains("WATCHDOG=1"), served ? TestTimeout : TimeSpan.FromMilliseconds(300));
        Assert.Equal(served, beat);
    }

    private static List<string> TakeAll(ServiceManager manager, List<string> told)
    {
        while (!manager.IsEmpty)
            told.Add(manager.Receive());
        return told;
    }

    // The shell's pid is the program's after exec.
    private static ScenarioProcess StartWatched(ServiceManager manager, string time, string process, params string[] args) => ScenarioProcess.Start(
        HostScenarios.WatchedAsync, args,
        via: ["env", $"NOTIFY_SOCKET={manager.Address}", $"WATCHDOG_USEC={time}", "sh", "-c", $"{(process.Length == 0 ? "" : $"export WATCHDOG_PID={(process == "ours" ? "$$" : process)};")} exec \"$@\"", "sh"]);

    private static ScenarioProcess Start(ServiceManager manager, params string[] args) =>
        ScenarioProcess.Start(HostScenarios.ServeAsync, args, Via(manager));

    private static Task<ScenarioProcess> StartAsync(string said, ServiceManager manager, params string[] args) =>
        ScenarioProcess.StartAndExpectAsync(said, HostScenarios.ServeAsync, args, Via(manager));

    private static string[] Via(ServiceManager manager) => ["env", $"NOTIFY_SOCKET={manager.Address}"];
}
