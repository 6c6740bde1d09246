using System.Text;
using UnixLoop.Transports;

namespace UnixLoop.Hosting.Kestrel.Listening;

/// <summary>What a listener's options must keep.</summary>
internal static class ListenerRules
{
    internal static IEnumerable<string> Mistakes(UnixListenerOptions options)
    {
        if (options.Path is null == options.Abstract is null)
            yield return options.Path is null ? "has neither Path nor Abstract; it must have one of them." : $"has both Path '{options.Path}' and Abstract '{options.Abstract}'; it must have one of them.";
        if (options.Path is { } path && (path.Length < 2 || path[0] != '/' || path.Contains('\0', StringComparison.Ordinal)))
            yield return $"has the Path '{path}'; it must be absolute, as Kestrel's endpoints are.";
        if (options.Abstract is { } name && !IsAbstractName(name))
            yield return $"has the Abstract name '{options.Abstract}'; it must have 1 to 107 bytes.";
        if (!IsMode(options.Mode))
            yield return $"has the Mode '{options.Mode}'; it must be octal, 0 to 0777.";
        if (!IsMode(options.DirectoryMode))
            yield return $"has the DirectoryMode '{options.DirectoryMode}'; it must be octal, 0 to 0777.";
        if (options.Abstract?.StartsWith('@') == true)
            yield return $"has the Abstract name '{options.Abstract}'; it must be without the '@' that is shown in the place of its zero byte.";
        if (options.Abstract is not null && OfFiles(options) is { Length: > 0 } ofFiles)
            yield return $"has {string.Join(", ", ofFiles)}; an abstract name has no file: use AllowedUsers and AllowedGroups.";
        if (options.Abstract is null && options.AllowAnyUser)
            yield return "has AllowAnyUser, which is for abstract names; a path is open to whoever its Mode lets.";
        if (options.Backlog < 1)
            yield return $"has a Backlog of {options.Backlog}; it must be at least 1.";
        if (options.ConnectionLimit < 1)
            yield return $"has a ConnectionLimit of {options.ConnectionLimit}; it must be at least 1.";
        if (options.AllowAnyUser && options.AllowedUsers.Count + options.AllowedGroups.Count > 0)
            yield return "has AllowAnyUser and also AllowedUsers or AllowedGroups, which contradict each other.";
        if (options.AllowedUsers.Concat(options.AllowedGroups).Any(string.IsNullOrWhiteSpace))
            yield return "has an empty name in AllowedUsers or AllowedGroups.";
        if (options.FdName is { } fdName && (fdName.Length == 0 || fdName.Contains(':', StringComparison.Ordinal)))
            yield return $"has the FdName '{fdName}'; it must not be empty, nor have a colon (sd_listen_fds(3)).";
    }

    private static string[] OfFiles(UnixListenerOptions options) =>
    [
        .. new (string Name, string? Value)[]
        {
            (nameof(options.Mode), options.Mode), (nameof(options.Owner), options.Owner), (nameof(options.Group), options.Group),
            (nameof(options.DirectoryMode), options.DirectoryMode), (nameof(options.LockDirectory), options.LockDirectory),
        }.Where(option => option.Value is not null).Select(option => $"{option.Name} '{option.Value}'"),
    ];

    /// <summary>Null where the options have no address that is good.</summary>
    internal static UnixSocketAddress? TryGetAddress(UnixListenerOptions options) => options switch
    {
        { Path: ['/', _, ..] path, Abstract: null } when !path.Contains('\0', StringComparison.Ordinal) => UnixSocketAddress.FromPath(path),
        { Path: null, Abstract: { } name } when IsAbstractName(name) => UnixSocketAddress.FromAbstractName(name),
        _ => null,
    };

    /// <summary>Of a text that has been checked.</summary>
    internal static UnixFileMode? Mode(string? text) => text is null ? null : (UnixFileMode)Convert.ToInt32(text, 8);

    private static bool IsAbstractName(string name) => Encoding.UTF8.GetByteCount(name) is > 0 and <= 107;

    private static bool IsMode(string? text) =>
        text is null || text.Length is > 0 and <= 5 && !text.AsSpan().ContainsAnyExceptInRange('0', '7') && Convert.ToInt32(text, 8) <= 0b111_111_111;
}
