namespace UnixLoop.Fault.Tests.Campaigns;

/// <summary>The library's threads in this process, by their names (proc_pid_task(5)).</summary>
internal static class OwnThreads
{
    // WaitThread, JobWaitThread, OrphanQueue.
    private static readonly string[] Prefixes = ["waitpid-", "job-", "unix-orphans"];

    /// <summary>The names of those that run, with <paramref name="loopName"/>'s among them; empty if there are none.</summary>
    internal static string Running(string loopName) => string.Join(", ", TestThreads.Names()
        .Where(name => name == loopName || Prefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal))));
}
