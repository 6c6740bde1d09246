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
        ArgumentNullException.ThrowIfNull(options.Encoding);
        if (startInfo.Input?.Kind is StdioKind.Pipe or StdioKind.Pty)
            throw new ArgumentException(
                $"{nameof(SubprocessStartInfo)}.{nameof(SubprocessStartInfo.Input)} is a {(startInfo.Input.Kind == StdioKind.Pipe ? "pipe" : "terminal")} that nobody would write to: use {nameof(SubprocessRunOptions)}.{nameof(SubprocessRunOptions.Input)}.",
                nameof(startInfo));
    }

    /// <summary>For <c>RunAsync</c>: where the output goes.</summary>
    /// <param name="last">The program whose standard output is meant.</param>
    /// <param name="options">Its options.</param>
    /// <param name="members">How many programs there are.</param>
    internal static void CheckOutputs(SubprocessStartInfo last, SubprocessRunOptions options, int members)
    {
        CheckOutput(options.Output, last.Output, nameof(options.Output), options);
        CheckOutput(options.Error, last.Error, nameof(options.Error), options);
        if (options.Error is not null && members > 1)
            throw new ArgumentException($"{nameof(SubprocessRunOptions)}.{nameof(options.Error)} is for one program; each member of a pipeline has its {nameof(SubprocessStartInfo)}.{nameof(SubprocessStartInfo.Error)}.", nameof(options));
        if (options.Error is not null && ReferenceEquals(options.Error, options.Output))
            throw new ArgumentException($"{nameof(SubprocessRunOptions)}.{nameof(options.Output)} and {nameof(options.Error)} are the same, and would be written at the same time: for one stream set {nameof(SubprocessStartInfo)}.{nameof(SubprocessStartInfo.Error)} to {nameof(Stdio)}.{nameof(Stdio.AsOutput)}.", nameof(options));
    }

    /// <summary>For <c>ReadLinesAsync</c>, whose result the lines are.</summary>
    internal static void CheckLines(SubprocessRunOptions options)
    {
        if (options.Output is not null || options.Error is not null)
            throw new ArgumentException($"{nameof(SubprocessRunOptions)}.{(options.Output is null ? nameof(options.Error) : nameof(options.Output))} is for {nameof(ISubprocessFactory.RunAsync)}: here the lines are the output.", nameof(options));
        CheckLineFeed(options);
    }

    private static void CheckOutput(SubprocessOutput? target, Stdio? stream, string property, SubprocessRunOptions options)
    {
        if (target is null)
            return;
        if (stream is not null)
            throw new ArgumentException($"{nameof(SubprocessRunOptions)}.{property} and {nameof(SubprocessStartInfo)}.{property} ({stream}) exclude each other.", nameof(options));
        if (target.IsLines)
            CheckLineFeed(options);
    }

    private static void CheckLineFeed(SubprocessRunOptions options)
    {
        if (!TextEncodings.HasByteLineFeeds(options.Encoding))
            throw new ArgumentException($"{nameof(SubprocessRunOptions)}.{nameof(options.Encoding)} is {options.Encoding.WebName}: lines need an encoding whose line feed is the byte 10.", nameof(options));
    }

    /// <summary>Zero to 49.7 days.</summary>
    internal static void CheckDuration(TimeSpan duration, [CallerArgumentExpression(nameof(duration))] string? name = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(duration, TimeSpan.Zero, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(duration, LongestTimer, name);
    }
}
