namespace UnixLoop.Hosting;

/// <summary>How long a shutdown may take, and what an orchestrator must grant it.</summary>
internal static class ShutdownBudget
{
    /// <summary>For the flush of the log by a forced exit, and for the end of the process.</summary>
    internal static readonly TimeSpan Reserve = TimeSpan.FromSeconds(2);

    /// <summary>From the signal to the end of the process; null if the host's timeout is infinite.</summary>
    internal static TimeSpan? Total(TimeSpan delay, TimeSpan shutdownTimeout) =>
        shutdownTimeout == Timeout.InfiniteTimeSpan ? null : delay + shutdownTimeout + Reserve;
}
