using System.Globalization;
using Microsoft.Extensions.Logging;

namespace UnixLoop.Hosting.Systemd;

/// <summary>How often the service manager wants to hear that we live (sd_watchdog_enabled(3)).</summary>
internal static class WatchdogInterval
{
    internal const string TimeVariable = "WATCHDOG_USEC";
    internal const string ProcessVariable = "WATCHDOG_PID";

    /// <summary>Half of what it allows; null if it does not watch, or watches another process.</summary>
    internal static TimeSpan? Read(ILogger logger)
    {
        string? time = Environment.GetEnvironmentVariable(TimeVariable);
        string? process = Environment.GetEnvironmentVariable(ProcessVariable);
        if (string.IsNullOrEmpty(time))
            return null;
        if (!string.IsNullOrEmpty(process) && process != Environment.ProcessId.ToString(CultureInfo.InvariantCulture))
            return null;
        // Once in twelve hours is no burden, and below what a timer can wait; a thousand times a second leaves the loops time for their work.
        if (ulong.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out ulong microseconds) && microseconds > 0)
            return TimeSpan.FromMicroseconds(Math.Clamp(microseconds, 2 * TimeSpan.MicrosecondsPerMillisecond, TimeSpan.MicrosecondsPerDay) / 2.0);
        LifetimeLog.WatchdogUnintelligible(logger, time);
        return null;
    }
}
