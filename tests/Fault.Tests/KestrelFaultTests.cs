using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Scenarios;
using UnixLoop.Hosting;

namespace UnixLoop.Fault.Tests;

/// <summary>Kestrel on the loop under faults: the host starts or says why not, a client gets a whole answer or the end of its connection, and the next is served.</summary>
public sealed class KestrelFaultTests
{
    [Theory, InlineData(ApplicationScheduling.ThreadPool), InlineData(ApplicationScheduling.Inline)]
    public Task Kestrel_AnyFault_EndsAsDocumented(ApplicationScheduling scheduling) => Campaign.RunAsync(new KestrelScenario(scheduling));
}
