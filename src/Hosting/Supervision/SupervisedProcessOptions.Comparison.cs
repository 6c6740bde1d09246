namespace UnixLoop.Hosting;

/// <summary>What reading them from a configuration needs beside their values.</summary>
public sealed partial class SupervisedProcessOptions
{
    /// <summary>What could not be bound, for the validation to tell together with all else.</summary>
    internal List<string> Mistakes { get; } = [];

    /// <summary>Whether a reload changes anything.</summary>
    internal bool IsSameAs(SupervisedProcessOptions other) =>
        Scalars() == other.Scalars()
        && Attributes() == other.Attributes()
        && Arguments.SequenceEqual(other.Arguments, StringComparer.Ordinal)
        && Groups.SequenceEqual(other.Groups, StringComparer.Ordinal)
        && IsSame(Environment, other.Environment)
        && IsSame(Limits, other.Limits);

    private (string, string?, bool, bool, RestartPolicy, (TimeSpan, TimeSpan, TimeSpan, int, TimeSpan, bool), (string?, string?, TimeSpan), string, TimeSpan?, bool) Scalars() =>
        (FileName, WorkingDirectory, ClearEnvironment, AutoStart, Restart,
            (RestartDelay, MaxRestartDelay, StableAfter, MaxStarts, StartWindow, StopHostOnFailure),
            (ReadyPattern, ReadySocket, ReadyTimeout), StopSignal, StopGrace, StandardErrorAsWarning);

    private (string?, string?, string?, string?, bool, string?) Attributes() => (User, Group, Umask, ParentDeathSignal, NoNewPrivileges, Cgroup);

    private static bool IsSame<TValue>(IDictionary<string, TValue> one, IDictionary<string, TValue> other) =>
        one.Count == other.Count
        && one.All(entry => other.TryGetValue(entry.Key, out TValue? value) && EqualityComparer<TValue>.Default.Equals(entry.Value, value));
}
