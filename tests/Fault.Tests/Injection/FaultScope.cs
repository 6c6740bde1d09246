using UnixLoop.Interop;

namespace UnixLoop.Fault.Tests.Injection;

/// <summary>Faults for the calls of one test; the constructor puts the plan in force, disposing takes it away.</summary>
internal sealed class FaultScope : IDisposable
{
    private FaultScope(FaultingInterop plan)
    {
        Plan = plan;
        Faults.Plan = plan;
    }

    internal FaultingInterop Plan { get; }

    internal static FaultScope Fail(string function, int errno, int occurrence = 1) =>
        new(new FaultingInterop(new InjectedFault(function, occurrence, FaultKind.Fail, errno)));

    public void Dispose() => Faults.Plan = null;
}
