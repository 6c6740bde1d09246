namespace UnixLoop.Hosting.Supervision;

/// <summary>Exponential back-off with full jitter.</summary>
internal static class RestartDelays
{
    /// <summary>A random part of the first delay, doubled for each of the ends before, at most of the longest.</summary>
    /// <param name="ends">How many ends in a row came before this one.</param>
    /// <param name="first">The span for the first restart.</param>
    /// <param name="longest">The span that no doubling exceeds.</param>
    /// <param name="random">Where the part comes from.</param>
    internal static TimeSpan Next(int ends, TimeSpan first, TimeSpan longest, Random random)
    {
        // As double, which holds an hour's ticks times 2^62; beyond that nothing doubles.
        double span = Math.Min(first.Ticks * Math.Pow(2, Math.Min(ends, 62)), longest.Ticks);
        return new TimeSpan((long)(span * random.NextDouble()));
    }
}
