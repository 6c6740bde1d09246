using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace UnixLoop.Kestrel.Tests.Support;

/// <summary>A row for each <see cref="Transport"/>; that of two loops only where several connections make a difference.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TransportsAttribute : DataAttribute
{
    public bool WithTwoLoops { get; set; }

    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        ValueTask.FromResult<IReadOnlyCollection<ITheoryDataRow>>([.. Enum.GetValues<Transport>().Where(transport => WithTwoLoops || transport != Transport.TwoLoops).Select(transport => new TheoryDataRow<Transport>(transport))]);

    public override bool SupportsDiscoveryEnumeration() => true;
}
