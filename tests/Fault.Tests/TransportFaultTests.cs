using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Scenarios;

namespace UnixLoop.Fault.Tests;

/// <summary>Connections and what they carry under faults: all bytes arrive, or the error is told; nothing is left behind.</summary>
public sealed class TransportFaultTests
{
    [Fact]
    public Task Connection_AnyFault_EndsAsDocumented() => Campaign.RunAsync(new ConnectionScenario());

    [Fact]
    public Task SendFile_AnyFault_EndsAsDocumented() => Campaign.RunAsync(new SendFileScenario());

    [Fact]
    public Task Splice_AnyFault_EndsAsDocumented() => Campaign.RunAsync(new SpliceScenario());
}
