using UnixLoop.Fault.Tests.Injection;

namespace UnixLoop.Fault.Tests.Campaigns;

/// <summary>Where a scenario calls native functions when nothing fails: learnt from a few runs, since threads interleave differently.</summary>
internal sealed class CallSites
{
    /// <summary>UNIXLOOP_FAULTS=all asks for every n; else the first, the last and the first of each distinct call site.</summary>
    internal static bool All { get; } = Environment.GetEnvironmentVariable("UNIXLOOP_FAULTS") == "all";

    private readonly Dictionary<string, int> _counts = [];
    private readonly Dictionary<string, SortedSet<int>> _distinct = [];

    internal IEnumerable<string> Functions => _counts.Keys.Order(StringComparer.Ordinal);

    internal void Add(FaultingInterop run)
    {
        foreach ((string function, List<string> sites) in run.CallSites)
        {
            _counts[function] = Math.Max(_counts.GetValueOrDefault(function), sites.Count);
            if (!_distinct.TryGetValue(function, out SortedSet<int>? distinct))
                _distinct.Add(function, distinct = [1]);
            distinct.UnionWith(sites.Distinct().Select(site => sites.IndexOf(site) + 1));
        }
    }

    internal int CountOf(string function) => _counts[function];

    /// <summary>The n for which the n-th call of <paramref name="function"/> meets faults.</summary>
    internal IEnumerable<int> OccurrencesOf(string function) => All
        ? Enumerable.Range(1, _counts[function])
        : _distinct[function].Append(_counts[function]).Distinct();
}
