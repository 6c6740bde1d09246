using UnixLoop.Process.Tests.Scenarios;

namespace UnixLoop.Process.Tests.Hosting;

/// <summary>Real signals to a real host.</summary>
public sealed class ShutdownTests
{
    private const int Hup = 1;
    private const int Int = 2;
    private const int Quit = 3;
    private const int Term = 15;

    private static readonly string[] Supervised = ["--UnixEventLoop:Processes:web:FileName=/bin/sleep", "--UnixEventLoop:Processes:web:Arguments:0=1000"];

    [Theory]
    [InlineData(Term, false, 0)]
    [InlineData(Int, true, 130)]
    [InlineData(Quit, true, 131)]
    public async Task Signal_Once_StopsTheHostWithItsExitCode(int signal, bool exitCodeFromSignal, int exitCode)
    {
        await using ScenarioProcess host = await StartAsync("started", $"--UnixEventLoop:ExitCodeFromSignal={exitCodeFromSignal}");

        host.Kill(signal);

        await host.ExpectAsync("stopped");
        await host.ExpectAsync($"exit code {exitCode}");
        Assert.Equal(0, await host.WaitForExitAsync()); // a Main that returns int has the last word
    }

    [Theory]
    [InlineData(Term, 143)]
    [InlineData(Int, 130)]
    [InlineData(Quit, 131)]
    public async Task Rule18_Signal_TwiceWhileStopping_FlushesTheLogAndExitsWith128PlusN(int signal, int exitCode)
    {
        await using ScenarioProcess host = await StartAsync("started", "--hang=stop");

        await KillTwiceAsync(host, signal, "hanging");

        await host.ExpectAsync("log ForcedExit");
        await host.ExpectEndAsync("log flushed", exitCode);
    }

    [Fact]
    public async Task Rule18_ForcedExit_LogThatHangs_IsNotWaitedFor()
    {
        await using ScenarioProcess host = await StartAsync("started", "--hang=stop", "--log=hangs");

        await KillTwiceAsync(host, Term, "hanging");

        await host.ExpectEndAsync("log flushed", 143);
    }

    [Fact]
    public async Task Rule18_ForcedExit_LogThatBlocksAtItsLine_IsNotWaitedFor()
    {
        await using ScenarioProcess host = await StartAsync("started", "--hang=stop", "--logblocks=ForcedExit");

        host.Kill(Term);
        await host.ExpectAsync("hanging");
        host.Kill(Term);

        await host.ExpectEndAsync("log flushed", 143);
    }

    /// <summary>As a console whose reader has stopped reading: the shutdown says nothing, and comes to its end.</summary>
    [Theory]
    [InlineData("StoppingBySignal", "00:00:00")]
    [InlineData("ApplicationStopping", "00:00:00")]
    [InlineData("Draining", "00:00:00.200")]
    [InlineData("Drained", "00:00:00.200")]
    public async Task Signal_LogBlocksFromThenOn_StopsTheHostAllTheSame(string from, string delay)
    {
        await using ScenarioProcess host = await StartAsync("started", $"--logblocks={from}", $"--UnixEventLoop:ShutdownDelay={delay}");

        host.Kill(Term);

        await host.ExpectAsync("stopping");
        await host.ExpectEndAsync("stopped", 0);
    }

    /// <summary>The loop says that a child has exited, and its supervision that it has ended: neither holds up the stop, or uses up the host's time.</summary>
    [Theory]
    [InlineData("SubprocessExited")]
    [InlineData("ProcessEnded")]
    public async Task Signal_LogOfASupervisedProcessBlocks_StopsTheHostAllTheSame(string from)
    {
        await using ScenarioProcess host = await StartAsync("log ProcessReady", [$"--logblocks={from}", .. Supervised, "--shutdownTimeoutSeconds=3600"]);

        host.Kill(Term);

        await host.ExpectEndAsync("stopped", 0);
    }

    /// <summary>Before the stop a line is waited for: by the handler of HUP, and by the loop once the process that is started anew ends. Then the host's time bounds them.</summary>
    [Theory]
    [InlineData("ConfigurationReloaded")]
    [InlineData("ProcessesReloaded")]
    public async Task Signal_LogBlocksInAReload_StopsTheHostAllTheSame(string from)
    {
        await using ScenarioProcess host = await StartAsync("log ProcessReady", [
            $"--logblocks={from}", "--UnixEventLoop:ReloadOnHangup=true", "--reload=changes", .. Supervised, "--UnixEventLoop:ChildStopGrace=00:00:01", "--shutdownTimeoutSeconds=2"]);
        host.Kill(Hup);
        await host.ExpectAsync("log blocks");

        host.Kill(Term);

        await host.ExpectEndAsync("stopped", 0);
    }

    /// <summary>The host is then disposed, and not stopped; what has started goes all the same.</summary>
    [Theory]
    [InlineData("SubprocessExited")]
    [InlineData("ProcessEnded")]
    public async Task Start_Failing_LogOfASupervisedProcessBlocks_EndsAllTheSame(string from)
    {
        await using ScenarioProcess host = await StartAsync("log ProcessReady", [$"--logblocks={from}", "--hang=failing-start", .. Supervised]);

        await host.WriteLineAsync("go on");

        await host.ExpectEndAsync("refused: the start fails", 0);
    }

    [Fact]
    public async Task Rule18_ForcedExit_ThreadPoolExhausted_EndsAllTheSame()
    {
        await using ScenarioProcess host = await StartAsync("started", "--hang=stop", "--pool=exhausted");

        await KillTwiceAsync(host, Term, "stopping");

        Assert.Equal(143, await host.WaitForExitAsync());
    }

    [Fact]
    public async Task Signal_WithDelay_DrainsFirstAndStopsWhenItHasPassed()
    {
        await using ScenarioProcess host = await StartAsync("started", "--UnixEventLoop:ShutdownDelay=00:00:00.200");

        host.Kill(Term);

        await host.ExpectAsync("log Draining");
        await host.ExpectAsync("draining");
        await host.ExpectAsync("log Drained");
        await host.ExpectEndAsync("stopped", 0);
    }

    [Fact]
    public async Task Signal_TwiceWithDelay_SkipsTheDelay()
    {
        await using ScenarioProcess host = await StartAsync("started", "--UnixEventLoop:ShutdownDelay=00:59:00");

        await KillTwiceAsync(host, Term, "draining");

        await host.ExpectEndAsync("stopped", 0);
    }

    [Fact]
    public async Task Signal_ThreeTimesWithDelay_ExitsWith128PlusTheLast()
    {
        await using ScenarioProcess host = await StartAsync("started", "--UnixEventLoop:ShutdownDelay=00:59:00", "--hang=stop");

        await KillTwiceAsync(host, Term, "draining");
        await host.ExpectAsync("hanging");
        host.Kill(Int);

        Assert.Equal(130, await host.WaitForExitAsync());
    }

    [Theory]
    [InlineData("none", Term)]
    [InlineData("none", Int)]
    [InlineData("none", Quit)]
    [InlineData("console", Term)]
    [InlineData("console", Int)]
    [InlineData("console", Quit)]
    public async Task Signal_BeforeTheStart_HasItsDefaultAction(string lifetime, int signal)
    {
        await using ScenarioProcess host = await StartAsync("built", $"--lifetime={lifetime}", "--waits=true");

        host.Kill(signal);

        Assert.Equal(128 + signal, await host.WaitForExitAsync());
    }

    [Fact]
    public async Task AnotherLifetime_SignalDuringStart_CancelsTheStart()
    {
        await using ScenarioProcess host = await StartAsync("starting", "--hang=start", "--lifetime=console");

        host.Kill(Term);

        await host.ExpectEndAsync("start cancelled", 0);
    }

    [Fact]
    public async Task Signal_DuringStart_CancelsTheStart()
    {
        await using ScenarioProcess host = await StartAsync("starting", "--hang=start", "--UnixEventLoop:ShutdownDelay=00:59:00");

        host.Kill(Term);

        await host.ExpectAsync("log StartCancelled");
        await host.ExpectEndAsync("start cancelled", 0);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 143)]
    public async Task Signal_DuringStart_ExitCodeIsAsTheOptionSays(bool exitCodeFromSignal, int exitCode)
    {
        await using ScenarioProcess host = await StartAsync("starting", "--hang=start", $"--UnixEventLoop:ExitCodeFromSignal={exitCodeFromSignal}");

        host.Kill(Term);

        await host.ExpectAsync("start cancelled");
        await host.ExpectAsync($"exit code {exitCode}");
    }

    /// <summary>It has not ended the host: what the application has done has its own exit code, as a loop's death has.</summary>
    [Fact]
    public async Task Signal_WhileTheApplicationStopsByItself_LeavesTheExitCodeAlone()
    {
        await using ScenarioProcess host = await StartAsync("started", "--hang=stop-until-line", "--stops=true", "--UnixEventLoop:ExitCodeFromSignal=true");
        await host.ExpectAsync("hanging");

        host.Kill(Term);
        await host.ExpectAsync("log SignalWhileStopping");
        await host.WriteLineAsync("go on");

        await host.ExpectAsync("stopped");
        await host.ExpectAsync("exit code 0");
    }

    [Fact]
    public async Task Signal_TwiceDuringAStartThatDoesNotListen_Exits()
    {
        await using ScenarioProcess host = await StartAsync("starting", "--hang=deaf-start");

        await KillTwiceAsync(host, Term, "stopping");

        Assert.Equal(143, await host.WaitForExitAsync());
    }

    [Fact]
    public async Task Signal_WithAHandlerOfTheApplication_RunsBoth()
    {
        await using ScenarioProcess host = await StartAsync("started", "--onterm=true", "--UnixEventLoop:ShutdownDelay=00:59:00");

        host.Kill(Term);
        string[] both = [await NextAsync(host), await NextAsync(host)];
        host.Kill(Term);

        Assert.Equal(["draining", "handler of TERM"], both.Order());
        await host.ExpectAsync("stopped");
    }

    [Fact]
    public async Task AnotherLifetime_StopsTheHostByItself_AndNoFurtherSignalForcesTheExit()
    {
        await using ScenarioProcess host = ScenarioProcess.Start(HostScenarios.ServeAsync, ["--lifetime=console", "--hang=stop-until-line", "--onterm=true"]);
        await host.ExpectAsync("log LifetimeSteppedBack");
        await host.ExpectAsync("started");

        host.Kill(Term);
        await host.ExpectAsync("hanging", "handler of TERM");
        host.Kill(Term);
        await host.ExpectAsync("handler of TERM");
        await host.WriteLineAsync("go on");

        await host.ExpectEndAsync("stopped", 0);
    }

    [Fact]
    public async Task AnotherLifetime_WithDelay_IsRefused()
    {
        await using ScenarioProcess host = ScenarioProcess.Start(
            HostScenarios.ServeAsync, ["--lifetime=console", "--UnixEventLoop:ShutdownDelay=00:00:05"]);

        Assert.Contains("Microsoft.Extensions.Hosting.Internal.ConsoleLifetime", await host.ReadToLineAsync("refused: "), StringComparison.Ordinal);
    }

    private static Task<ScenarioProcess> StartAsync(string said, params string[] arguments) => ScenarioProcess.StartAndExpectAsync(said, HostScenarios.ServeAsync, arguments);

    /// <summary>The second time once it has said <paramref name="between"/>.</summary>
    private static async Task KillTwiceAsync(ScenarioProcess host, int signal, string between)
    {
        host.Kill(signal);
        await host.ExpectAsync(between);
        host.Kill(signal);
    }

    private static async Task<string> NextAsync(ScenarioProcess host)
    {
        string line;
        do
            line = await host.ReadLineAsync();
        while (line.StartsWith("log ", StringComparison.Ordinal));
        return line;
    }
}
