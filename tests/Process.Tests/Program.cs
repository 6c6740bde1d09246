using UnixLoop.Process.Tests.Scenarios;
using Xunit.MicrosoftTestingPlatform;

namespace UnixLoop.Process.Tests;

internal static class Program
{
    internal const string ScenarioSwitch = "--scenario";

    /// <summary>As <see cref="ScenarioSwitch"/>, for a scenario that is not to be PID 1 where the process is.</summary>
    internal const string ScenarioBelowInitSwitch = "--scenario-below-init";

    private static async Task<int> Main(string[] args)
    {
        if (args is [ScenarioBelowInitSwitch, ..] && UnixInit.RunAsPid1(args) is int code)
            return code;
        return args is [ScenarioSwitch or ScenarioBelowInitSwitch, string type, string method, .. string[] rest]
            ? await Scenario.RunAsync(type, method, rest)
            : await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions);
    }
}
