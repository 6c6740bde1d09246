using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace UnixLoop.Kestrel.Tests.Support;

/// <summary>A row for each <see cref="Transport"/>.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TransportsAttribute : DataAttribute
{
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        ValueTask.FromResult<IReadOnlyCollection<ITheoryDataRow>>([.. Enum.GetValues<Transport>().Select(transport => new TheoryDataRow<Transport>(transport))]);

    public override bool SupportsDiscoveryEnumeration() => true;
}
