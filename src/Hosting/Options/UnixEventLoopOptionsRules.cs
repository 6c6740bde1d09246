using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace UnixLoop.Hosting;

/// <summary>Checks what no attribute can say: how the options fit together, and how they fit into the host.</summary>
internal sealed class UnixEventLoopOptionsRules(IOptions<HostOptions> host, IConfiguration? configuration = null) : IValidateOptions<UnixEventLoopOptions>
{
    /// <summary>After KILL, the reaps are awaited for this long: it comes on top of the longest grace.</summary>
    internal static readonly TimeSpan ReapBound = TimeSpan.FromSeconds(1);

    /// <summary>What a CancellationTokenSource can wait: the host's stop makes one of its timeout, and would fail there.</summary>
    private static readonly TimeSpan LongestTimeout = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    public ValidateOptionsResult Validate(string? name, UnixEventLoopOptions options)
    {
        var result = new ValidateOptionsResultBuilder();
        foreach (string mistake in options.Mistakes)
            result.AddError(mistake);
        if (!Enum.IsDefined(options.ChildWatcher))
            result.AddError($"is {(int)options.ChildWatcher}; it must be {string.Join(", ", Enum.GetNames<ChildWatcherKind>())}.", nameof(options.ChildWatcher));
        if (string.IsNullOrEmpty(name))
            CheckDefault(options, result);
        else
            CheckNamed(name, options, result);
        return result.Build();
    }

    private void CheckDefault(UnixEventLoopOptions options, ValidateOptionsResultBuilder result)
    {
        TimeSpan shutdown = host.Value.ShutdownTimeout;
        if (shutdown != Timeout.InfiniteTimeSpan && (shutdown < TimeSpan.Zero || shutdown > LongestTimeout))
        {
            result.AddError(
                $"is {shutdown:c}; it must be between {TimeSpan.Zero:c} and {LongestTimeout:c}, or infinite ({Timeout.InfiniteTimeSpan:c}).",
                $"{nameof(HostOptions)}.{nameof(HostOptions.ShutdownTimeout)}");
        }
        else if (shutdown != Timeout.InfiniteTimeSpan && options.ChildStopGrace + ReapBound > shutdown)
        {
            result.AddError(
                $"is {options.ChildStopGrace:c} and HostOptions.ShutdownTimeout is {shutdown:c}; the grace and {ReapBound.TotalSeconds} s for killing and reaping "
                + "must fit into the shutdown timeout, or the host gives up while children still run.",
                nameof(options.ChildStopGrace));
        }

        if (options.HealthDegradedLag > options.HealthUnhealthyLag)
        {
            result.AddError(
                $"is {options.HealthDegradedLag:c} and {nameof(options.HealthUnhealthyLag)} is {options.HealthUnhealthyLag:c}; what is unhealthy must not begin before what is degraded.",
                nameof(options.HealthDegradedLag));
        }

        if (options.HealthSocket is { } path && !path.StartsWith('/'))
            result.AddError($"is '{path}'; it must be an absolute path.", nameof(options.HealthSocket));

        if (options.ReloadOnHangup && configuration is not IConfigurationRoot)
        {
            result.AddError(
                $"is set, but the application's IConfiguration is {configuration?.GetType().ToString() ?? "missing"}; only an IConfigurationRoot can be reloaded.",
                nameof(options.ReloadOnHangup));
        }
    }

    /// <summary>An option that a named loop would silently ignore is a mistake.</summary>
    private static void CheckNamed(string name, UnixEventLoopOptions options, ValidateOptionsResultBuilder result)
    {
        var defaults = new UnixEventLoopOptions();
        Check(nameof(options.ChildWatcher), options.ChildWatcher != defaults.ChildWatcher);
        Check(nameof(options.ChildStopGrace), options.ChildStopGrace != defaults.ChildStopGrace);
        Check(nameof(options.ShutdownDelay), options.ShutdownDelay != defaults.ShutdownDelay);
        Check(nameof(options.DrainIdleLinger), options.DrainIdleLinger != defaults.DrainIdleLinger);
        Check(nameof(options.ExitCodeFromSignal), options.ExitCodeFromSignal != defaults.ExitCodeFromSignal);
        Check(nameof(options.HealthDegradedLag), options.HealthDegradedLag != defaults.HealthDegradedLag);
        Check(nameof(options.HealthUnhealthyLag), options.HealthUnhealthyLag != defaults.HealthUnhealthyLag);
        Check(nameof(options.HealthSocket), options.HealthSocket is not null);
        Check(nameof(options.ReloadOnHangup), options.ReloadOnHangup != defaults.ReloadOnHangup);
        Check(nameof(options.RecordChildArguments), options.RecordChildArguments != defaults.RecordChildArguments);

        void Check(string property, bool changed)
        {
            if (changed)
                result.AddError($"is set for the loop '{name}'; it belongs to the default loop: set it in AddUnixEventLoop(…) without a name.", property);
        }
    }
}
