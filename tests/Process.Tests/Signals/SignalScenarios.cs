using UnixLoop.Process.Tests.Scenarios;

namespace UnixLoop.Process.Tests.Signals;

internal static class SignalScenarios
{
    /// <summary>Handles the signal named by the first argument, says each call, and removes the handler when told to on standard input.</summary>
    internal static async Task HandleThenRemoveAsync(string[] args)
    {
        var signal = UnixSignal.Parse(args[0]);
        await using var loop = new UnixEventLoop();
        await loop.StartAsync();
        loop.AddSignalHandler(signal, () => Scenario.Say($"handled {signal}"));
        Scenario.Say("ready");
        while (await Console.In.ReadLineAsync() is { } command)
        {
            bool removed = command == "remove" && loop.RemoveSignalHandler(signal);
            Scenario.Say($"removed {removed}");
        }
    }
}
