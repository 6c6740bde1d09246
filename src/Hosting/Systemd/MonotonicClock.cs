using System.Diagnostics;

namespace UnixLoop.Hosting.Systemd;

/// <summary>CLOCK_MONOTONIC, which the service manager compares with its own (linux.md, rule 30): the clock below Stopwatch on Linux, whatever clock the application has.</summary>
internal static class MonotonicClock
{
    internal static long Microseconds => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000);
}
