using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Scenarios;

namespace UnixLoop.Fault.Tests;

/// <summary>Public pipes under faults: every run ends in success or in the one named error, and leaves nothing behind.</summary>
public sealed class PipeFaultTests
{
    [Fact]
    public Task PipesAndFifos_AnyFault_EndsAsDocumented() => Campaign.RunAsync(new PublicPipesScenario());

    [Theory, InlineData("Pipe"), InlineData("Socket"), InlineData("Thread"), InlineData("File")]
    public Task StandardStreams_AnyFault_EndsAsDocumented(string kind) =>
        Campaign.RunAsync(new StandardStreamsScenario(Enum.Parse<StandardStreamsScenario.Kind>(kind)));
}
