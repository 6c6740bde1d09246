using UnixLoop.Fault.Tests.Injection;
using UnixLoop.Interop;
using Xunit.Sdk;

namespace UnixLoop.Fault.Tests.Campaigns;

/// <summary>
/// Runs a scenario without faults to learn its native calls, then once for each function, each n and each errno: every run has
/// to end in success or in the error that the API documents, within a bound, and leave nothing behind.
/// </summary>
internal static class Campaign
{
    private const int CountingRuns = 3;
    private const int MaxFindings = 12;

    /// <summary>The bound of one run: long enough for a loaded machine, so that it only ends what hangs.</summary>
    internal static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    internal static async Task RunAsync(Scenario scenario)
    {
        List<string> findings = [];
        var sites = new CallSites();
        for (int i = 0; i < CountingRuns; i++)
        {
            var counting = new FaultingInterop(null);
            if (await RunOnceAsync(scenario, counting, null) is { } finding)
                Assert.Fail($"{scenario.Name} without a fault: {finding}");
            sites.Add(counting);
        }

        foreach (InjectedFault fault in FaultsFor(scenario, sites))
        {
            var interop = new FaultingInterop(fault);
            string? finding = await RunOnceAsync(scenario, interop, fault);
            CampaignTotals.Add(scenario, fault, interop.ReachedAt is not null);
            if (finding is null)
                continue;
            findings.Add($"{scenario.Name}, {fault}: {finding}\n    at {interop.ReachedAt ?? "a call that did not come"}");
            if (findings.Count == MaxFindings)
                break;
        }
        if (findings.Count > 0)
            Assert.Fail(string.Join("\n", findings));
    }

    private static IEnumerable<InjectedFault> FaultsFor(Scenario scenario, CallSites sites) =>
        from function in sites.Functions
        from occurrence in sites.OccurrencesOf(function)
        from fault in DocumentedErrnos.FaultsOf(function, scenario.HasChild)
        where fault.Errno == 0 || scenario.CanHappen(function, fault.Errno)
        select new InjectedFault(function, occurrence, fault.Kind, fault.Errno);

    /// <returns>What was wrong; null if all was well.</returns>
    private static async Task<string?> RunOnceAsync(Scenario scenario, FaultingInterop interop, InjectedFault? fault)
    {
        RememberedRefusals.Forget();
        var leaks = new LeakCheck(Bound);
        var rig = new Rig(fault);
        Faults.Plan = interop;
        try
        {
            Exception? thrown = null;
            try
            {
                // The pool: the scenario's blocking calls must not hold up the test framework.
                await Task.Run(() => scenario.RunAsync(rig)).WaitAsync(Bound);
            }
            catch (Exception exception)
            {
                thrown = exception;
            }
            await rig.CloseAsync();
            if (thrown is not null && !IsDocumented(scenario, rig, thrown))
                return $"ended in an error that is not documented: {thrown}\n    {rig.Log}";
            if (rig.Findings.Count > 0)
                return $"not so: {string.Join("; ", rig.Findings)}\n    {rig.Log}";
        }
        catch (Exception exception)
        {
            return $"the end failed: {exception}; {string.Join("; ", rig.Findings)}";
        }
        finally
        {
            Faults.Plan = null;
        }
        try
        {
            leaks.Dispose();
            return null;
        }
        catch (FailException left)
        {
            return left.Message;
        }
    }

    private static bool IsDocumented(Scenario scenario, Rig rig, Exception exception)
    {
        if (rig.Fault is not { } fault || exception is TimeoutException or XunitException)
            return false;
        return scenario.Documents(exception, fault)
            || NamesTheErrno(exception, fault)
            || rig.LoopMayFault && TellsOfTheLoopsFault(exception);
    }

    /// <summary>"EMFILE: eventfd: Too many open files", HResult 24.</summary>
    private static bool NamesTheErrno(Exception exception, InjectedFault fault) =>
        exception is IOException
        && fault.Kind == FaultKind.Fail
        && exception.HResult == fault.Errno
        && exception.Message.StartsWith($"{PosixError.Name(fault.Errno)}: ", StringComparison.Ordinal);

    private static bool TellsOfTheLoopsFault(Exception exception) =>
        exception is ObjectDisposedException
        || exception is InvalidOperationException && exception.Message.Contains("faulted", StringComparison.Ordinal);
}
