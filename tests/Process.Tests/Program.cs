using UnixLoop.Process.Tests.Scenarios;
using Xunit.MicrosoftTestingPlatform;

namespace UnixLoop.Process.Tests;

internal static class Program
{
    internal const string ScenarioSwitch = "--scenario";

    private static Task<int> Main(string[] args) => args is [ScenarioSwitch, string type, string method, .. string[] rest]
        ? Scenario.RunAsync(type, method, rest)
        : TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions);
}
