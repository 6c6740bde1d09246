using System.Collections;

namespace UnixLoop.Subprocesses;

/// <summary>The variables of a child: ours, edited, or a set of its own.</summary>
internal static class ChildEnvironment
{
    /// <summary>An upper bound for what <see cref="Write"/> adds.</summary>
    internal static int CountAtMost(SubprocessStartInfo info, IDictionary? ours) => (ours?.Count ?? 0) + info.Environment.Count;

    /// <summary>A copy of our variables as the app sees them now, with what it has set itself; null if the child gets none of them.</summary>
    internal static IDictionary? Ours(SubprocessStartInfo info) => info.ClearEnvironment ? null : Environment.GetEnvironmentVariables();

    /// <summary>Adds the variables to <paramref name="strings"/>.</summary>
    /// <returns>The child's PATH; null if it has none.</returns>
    internal static string? Write(ref NativeStrings strings, SubprocessStartInfo info, IDictionary? ours)
    {
        string? path = null;
        if (ours is not null)
        {
            bool edited = info.Environment.Count > 0;
            IDictionaryEnumerator variables = ours.GetEnumerator();
            while (variables.MoveNext())
            {
                string name = (string)variables.Key;
                if (IsForUsAlone(name) || (edited && info.Environment.ContainsKey(name)))
                    continue;
                string value = (string?)variables.Value ?? "";
                strings.AddVariable(name, value);
                if (name is "PATH")
                    path = value;
            }
            if (!edited)
                return path;
        }
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

    // linux.md, rule 30: a service manager means the process it started, and a child would speak for us (sd_notify(3), sd_listen_fds(3)).
    private static bool IsForUsAlone(string name) => name is
        "NOTIFY_SOCKET" or "WATCHDOG_USEC" or "WATCHDOG_PID" or "LISTEN_PID" or "LISTEN_FDS" or "LISTEN_FDNAMES";
}
