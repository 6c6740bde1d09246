using System.Diagnostics.CodeAnalysis;

namespace UnixLoop.Interop;

/// <summary>Decides, call by call, whether a native function fails or is cut short. Installed by fault-injection tests only.</summary>
internal interface IFaultPlan
{
    /// <summary>Asked before <paramref name="function"/> runs.</summary>
    /// <param name="function">The native function's name, as in its man page; with the command where that decides what can go wrong ("fcntl F_SETPIPE_SZ").</param>
    /// <param name="byteCount">How many bytes the caller offers; a plan may lower it to cut a read or write short.</param>
    /// <returns>The errno to fail with, or 0 to make the call.</returns>
    int OnCall(string function, ref int byteCount);
}

/// <summary>
/// The seam for fault injection. Every wrapper in this folder asks <see cref="Fails(string, out PosixResult)"/> behind
/// <see cref="IsEnabled"/>, which is a constant after tiering and is trimmed away in published apps: the seam costs nothing.
/// </summary>
internal static class Faults
{
    [FeatureSwitchDefinition("UnixLoop.FaultInjection")]
    internal static bool IsEnabled { get; } = AppContext.TryGetSwitch("UnixLoop.FaultInjection", out bool enabled) && enabled;

    /// <summary>The plan in force; null between scenarios. Read by any thread.</summary>
    internal static volatile IFaultPlan? Plan;

    internal static bool Fails(string function, out PosixResult fault)
    {
        int ignored = 0;
        return Fails(function, ref ignored, out fault);
    }

    internal static bool Fails(string function, ref int byteCount, out PosixResult fault)
    {
        int errno = Plan?.OnCall(function, ref byteCount) ?? 0;
        fault = PosixResult.Failure(errno);
        return errno != 0;
    }
}
