using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Scenarios;

namespace UnixLoop.Fault.Tests;

/// <summary>The loop under faults: every run ends in success or in the one named error, and leaves nothing behind.</summary>
public sealed class LoopFaultTests
{
    [Fact]
    public Task LoopLifetime_AnyFault_EndsAsDocumented() => Campaign.RunAsync(new LoopLifetimeScenario());

    [Fact]
    public Task PostAndTimer_AnyFault_EndsAsDocumented() => Campaign.RunAsync(new PostAndTimerScenario());

    [Fact]
    public Task DescriptorWatching_AnyFault_EndsAsDocumented() => Campaign.RunAsync(new DescriptorScenario());
}
