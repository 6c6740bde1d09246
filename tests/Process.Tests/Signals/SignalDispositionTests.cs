using UnixLoop.Process.Tests.Scenarios;

namespace UnixLoop.Process.Tests.Signals;

/// <summary>What becomes of the process's dispositions; each in a process of its own.</summary>
public sealed class SignalDispositionTests : IDisposable
{
    private const int KilledBy = 128; // how System.Diagnostics.Process, as a shell, tells a death by signal n

    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Theory]
    [InlineData("USR1")]
    [InlineData("TERM")] // the runtime has handlers of its own for these three
    [InlineData("INT")]
    [InlineData("QUIT")]
    [InlineData("ALRM")]
    [InlineData("RTMIN+5")]
    public async Task RemoveSignalHandler_LastOne_RestoresTheDefault(string name)
    {
        var signal = UnixSignal.Parse(name);
        await using ScenarioProcess scenario = ScenarioProcess.Start(SignalScenarios.HandleAsync, [name]);
        await scenario.ExpectAsync("ready");
        scenario.Kill(signal.Number);
        Assert.Equal($"handled {signal}", await scenario.ReadLineAsync());

        await scenario.WriteLineAsync("remove");
        Assert.Equal("removed True", await scenario.ReadLineAsync());
        await scenario.WriteLineAsync("remove");
        Assert.Equal("removed False", await scenario.ReadLineAsync());

        scenario.Kill(signal.Number);
        Assert.Equal(KilledBy + signal.Number, await scenario.WaitForExitAsync());
    }

    [Theory]
    [InlineData("USR1")]
    [InlineData("TERM")]
    public async Task StopAsync_LoopWithHandlers_RestoresTheDefault(string name)
    {
        var signal = UnixSignal.Parse(name);
        await using ScenarioProcess scenario = ScenarioProcess.Start(SignalScenarios.HandleAsync, [name]);
        await scenario.ExpectAsync("ready");
        await scenario.WriteLineAsync("stop");
        await scenario.ExpectAsync("stopped");
        scenario.Kill(signal.Number);
        Assert.Equal(KilledBy + signal.Number, await scenario.WaitForExitAsync());
    }

    [Fact]
    public async Task AddSignalHandler_IgnoredByNohup_StaysIgnoredAndTheLogSaysSo()
    {
        await using ScenarioProcess scenario =
            ScenarioProcess.Start(SignalScenarios.HandleIgnoredHangUpAsync, via: [Requires.Tool("nohup")]);
        Assert.Equal("still here", await scenario.ReadLineAsync());
        await scenario.EndWellAsync();
    }

    [Fact]
    public async Task Rule15_AddSignalHandler_ChildSignalWasIgnored_ResetsIt()
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(SignalScenarios.HandleChildSignalThatWasIgnoredAsync);
        await scenario.EndWellAsync();
    }

    [Theory]
    [InlineData("registration")]
    [InlineData("process")]
    public async Task Rule15_AddSignalHandler_ChildSignalWasIgnoredAndTheRuntimeIsIn_IsRefused(string how)
    {
        await using ScenarioProcess scenario =
            ScenarioProcess.Start(SignalScenarios.RefuseChildSignalThatTheRuntimeTookOverIgnoredAsync, [how]);
        await scenario.EndWellAsync();
    }

    [Fact]
    public async Task Rule15_AddSignalHandler_ChildSignalAsPid1_IsRefused()
    {
        Requires.Root();
        await using ScenarioProcess scenario = ScenarioProcess.Start(
            SignalScenarios.RefuseChildSignalAsPid1Async, via: [Requires.Tool("unshare"), "--pid", "--fork", "--mount-proc"]);
        Assert.Equal("refused", await scenario.ReadLineAsync());
        await scenario.EndWellAsync();
    }

    [Fact]
    public async Task ProcessExit_LoopEndsMeanwhile_LeavesTheDispositionAlone()
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(SignalScenarios.ExitAsync);
        Assert.Equal("survived True", await scenario.ReadLineAsync());
        Assert.Equal(7, await scenario.WaitForExitAsync());
    }
}
