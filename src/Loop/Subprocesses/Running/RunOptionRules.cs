using System.Runtime.CompilerServices;

namespace UnixLoop.Subprocesses;

/// <summary>Refuses options that are out of range or contradict the start info, before anything is started.</summary>
internal static class RunOptionRules
{
    /// <summary>What a <see cref="TimeProvider"/>'s timer takes: 49.7 days.</summary>
    private static readonly TimeSpan LongestTimer = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    internal static void Check(SubprocessStartInfo startInfo, SubprocessRunOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(options.MaxOutputBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MaxOutputBytes, Array.MaxLength);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxLineBytes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MaxLineBytes, Array.MaxLength / 2);
        CheckDuration(options.StopGrace);
        CheckDuration(options.DrainBound);
        if (options.Timeout != Timeout.InfiniteTimeSpan)
        {
            CheckDuration(options.Timeout);
            ArgumentOutOfRangeException.ThrowIfEqual(options.Timeout, TimeSpan.Zero);
        }
        if (options.Input is not null && startInfo.Input is not null)
            throw new ArgumentException(
                $"{nameof(SubprocessRunOptions)}.{nameof(SubprocessRunOptions.Input)} and {nameof(SubprocessStartInfo)}.{nameof(SubprocessStartInfo.Input)} ({startInfo.Input}) exclude each other.",
                nameof(options));
        if (startInfo.Input?.Kind is StdioKind.Pipe or StdioKind.Pty)
            throw new ArgumentException(
                $"{nameof(SubprocessStartInfo)}.{nameof(SubprocessStartInfo.Input)} is a {(startInfo.Input.Kind == StdioKind.Pipe ? "pipe" : "terminal")} that nobody would write to: use {nameof(SubprocessRunOptions)}.{nameof(SubprocessRunOptions.Input)}.",
                nameof(startInfo));
    }

    /// <summary>Zero to 49.7 days.</summary>
    internal static void CheckDuration(TimeSpan duration, [CallerArgumentExpression(nameof(duration))] string? name = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(duration, TimeSpan.Zero, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(duration, LongestTimer, name);
    }
}
