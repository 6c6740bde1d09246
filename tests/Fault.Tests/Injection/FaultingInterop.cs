using System.Diagnostics;
using UnixLoop.Interop;

namespace UnixLoop.Fault.Tests.Injection;

/// <summary>Counts the calls of each native function and lets one of them meet a fault; without one it also notes where each call came from.</summary>
internal sealed class FaultingInterop(InjectedFault? fault) : IFaultPlan
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, List<string>> _callSites = [];
    private readonly Dictionary<string, int> _counts = [];

    /// <summary>The stack of the call that met the fault; null while that call has not come.</summary>
    internal string? ReachedAt { get; private set; }

    /// <summary>For each function the call site of its first, second… call. Empty if there is a fault.</summary>
    internal IReadOnlyDictionary<string, List<string>> CallSites => _callSites;

    public int OnCall(string function, ref int byteCount)
    {
        lock (_gate)
        {
            int occurrence = _counts[function] = _counts.GetValueOrDefault(function) + 1;
            if (fault is null)
            {
                if (!_callSites.TryGetValue(function, out List<string>? sites))
                    _callSites.Add(function, sites = []);
                sites.Add(CallSite());
                return 0;
            }
            if (occurrence != fault.Occurrence || function != fault.Function)
                return 0;
            ReachedAt = CallSite();
        }

        // Off the lock: another thread's calls must not wait for a child's death.
        switch (fault.Kind)
        {
            case FaultKind.Fail:
                return fault.Errno;
            case FaultKind.CutToOneByte:
                byteCount = Math.Min(byteCount, 1);
                return 0;
            case FaultKind.CutToHalf:
                byteCount = (byteCount + 1) / 2;
                return 0;
            case FaultKind.ChildDies:
                OwnChildren.KillAll();
                return 0;
            default:
                OwnChildren.KillAndReapAll();
                return 0;
        }
    }

    private static string CallSite() => string.Join(" < ", new StackTrace(fNeedFileInfo: false).GetFrames()
        .Select(frame => frame.GetMethod())
        .Where(method => method?.DeclaringType is { } type
            && type.Namespace?.StartsWith("UnixLoop", StringComparison.Ordinal) == true
            && type != typeof(FaultingInterop) && type != typeof(Faults))
        .Take(8)
        .Select(method => $"{method!.DeclaringType!.Name}.{method.Name}"));
}
