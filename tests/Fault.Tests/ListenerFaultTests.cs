using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Scenarios;

namespace UnixLoop.Fault.Tests;

/// <summary>Listeners under faults: bound and served, or the one named error, and nothing left behind.</summary>
public sealed class ListenerFaultTests
{
    [Fact]
    public Task Listening_AnyFault_EndsAsDocumented() => Campaign.RunAsync(new ListenScenario());
}
