using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Injection;

[assembly: AssemblyFixture(typeof(CampaignTotals))]

namespace UnixLoop.Fault.Tests.Campaigns;

/// <summary>Counts what all campaigns of this process did, and prints it at the end in one line.</summary>
public sealed class CampaignTotals : IDisposable
{
    private static readonly HashSet<string> s_scenarios = [];
    private static readonly HashSet<string> s_functions = [];
    private static readonly HashSet<string> s_calls = [];
    private static int s_faults;
    private static int s_reached;

    internal static void Add(Scenario scenario, InjectedFault fault, bool reached)
    {
        s_scenarios.Add(scenario.Name);
        s_functions.Add(fault.Function);
        s_calls.Add($"{scenario.Name} {fault.Function} {fault.Occurrence}");
        s_faults++;
        s_reached += reached ? 1 : 0;
    }

    public void Dispose()
    {
        if (s_faults > 0)
            Console.WriteLine(
                $"Fault injection ({(CallSites.All ? "every n" : "first, last and each distinct call site")}): {s_scenarios.Count} scenarios × {s_functions.Count} functions, "
                + $"{s_calls.Count} calls (scenario × function × n), {s_faults} runs (× errno), of which {s_reached} met their fault.");
    }
}
