using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Scenarios;

namespace UnixLoop.Fault.Tests;

/// <summary>Datagrams and passed descriptors under faults: what is said to be sent arrives, and no descriptor is left.</summary>
public sealed class DatagramFaultTests
{
    [Fact]
    public Task Datagrams_AnyFault_EndsAsDocumented() => Campaign.RunAsync(new DatagramScenario());

    [Fact]
    public Task DescriptorPassing_AnyFault_EndsAsDocumented() => Campaign.RunAsync(new DescriptorPassingScenario());
}
