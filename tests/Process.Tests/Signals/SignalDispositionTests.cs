using UnixLoop.Process.Tests.Scenarios;

namespace UnixLoop.Process.Tests.Signals;

public sealed class SignalDispositionTests
{
    private const int SignalBase = 128; // how a shell, and System.Diagnostics.Process, tell "killed by signal n"

    [Theory]
    [InlineData("USR1")]
    [InlineData("TERM")] // the runtime has handlers of its own for these three
    [InlineData("INT")]
    [InlineData("QUIT")]
    [InlineData("ALRM")]
    [InlineData("RTMIN+5")]
    public async Task RemoveSignalHandler_LastOne_RestoresTheDefault(string name)
    {
        int number = UnixSignal.Parse(name).Number;
        await using ScenarioProcess scenario = ScenarioProcess.Start(SignalScenarios.HandleThenRemoveAsync, [name]);
        await scenario.ExpectAsync("ready");
        scenario.Kill(number);
        Assert.Equal($"handled {UnixSignal.Parse(name)}", await scenario.ReadLineAsync());

        await scenario.WriteLineAsync("remove");
        Assert.Equal("removed True", await scenario.ReadLineAsync());
        await scenario.WriteLineAsync("remove");
        Assert.Equal("removed False", await scenario.ReadLineAsync());

        scenario.Kill(number);
        Assert.Equal(SignalBase + number, await scenario.WaitForExitAsync());
    }
}
