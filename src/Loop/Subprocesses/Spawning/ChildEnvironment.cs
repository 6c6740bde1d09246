using System.Collections;

namespace UnixLoop.Subprocesses;

/// <summary>The variables of a child: ours, edited, or a set of its own.</summary>
internal static class ChildEnvironment
{
    /// <summary>An upper bound for what <see cref="Write"/> adds.</summary>
    internal static int CountAtMost(SubprocessStartInfo info, IDictionary? ours) => (ours?.Count ?? 0) + info.Environment.Count;

    /// <summary>Our variables as the app sees them now, with what it has set itself, or as <paramref name="cached"/> has them; null if the child gets none of them.</summary>
    internal static IDictionary? Ours(SubprocessStartInfo info, EnvironmentBlock? cached) =>
        info.ClearEnvironment ? null : cached?.Variables ?? Environment.GetEnvironmentVariables();

    /// <summary>Adds the variables to <paramref name="strings"/>.</summary>
    /// <returns>The child's PATH; null if it has none.</returns>
    internal static string? Write(ref NativeStrings strings, SubprocessStartInfo info, IDictionary? ours)
    {
        string? path = ours is null ? null : WriteOurs(ref strings, ours, info.Environment.Count > 0 ? info.Environment : null);
        foreach ((string name, string? value) in info.Environment)
        {
            if (value is null)
                continue;
            strings.AddVariable(name, value);
            if (name is "PATH")
                path = value;
        }
        return path;
    }

    /// <summary>Adds those of our variables that a child inherits and that <paramref name="edits"/> does not name.</summary>
    /// <returns>Our PATH, if it is among them.</returns>
    internal static string? WriteOurs(ref NativeStrings strings, IDictionary ours, IDictionary<string, string?>? edits)
    {
        string? path = null;
        IDictionaryEnumerator variables = ours.GetEnumerator();
        while (variables.MoveNext())
        {
            string name = (string)variables.Key;
            if (IsForUsAlone(name) || (edits is not null && edits.ContainsKey(name)))
                continue;
            string value = (string?)variables.Value ?? "";
            strings.AddVariable(name, value);
            if (name is "PATH")
                path = value;
        }
        return path;
    }

    // linux.md, rule 30: a service manager means the process it started, and a child would speak for us (sd_notify(3), sd_listen_fds(3)).
    private static bool IsForUsAlone(string name) => name is
        "NOTIFY_SOCKET" or "WATCHDOG_USEC" or "WATCHDOG_PID" or "LISTEN_PID" or "LISTEN_PIDFDID" or "LISTEN_FDS" or "LISTEN_FDNAMES";
}
