using System.Reflection;
using System.Text.RegularExpressions;

namespace UnixLoop.Process.Tests.Architecture;

/// <summary>Which room, that is which first folder below a project, each type stands in. The project's own top is <see cref="Top"/>.</summary>
internal sealed partial class Rooms
{
    internal const string Top = "UnixEventLoop";

    private readonly Dictionary<string, HashSet<string>> _roomsByType = new(StringComparer.Ordinal);

    internal Rooms(string projectFolder)
    {
        foreach (string file in Repository.SourceFiles(projectFolder))
        {
            string[] parts = Path.GetRelativePath(Path.Combine(Repository.Root, projectFolder), file).Split('/');
            string room = parts.Length == 1 ? Top : parts[0];
            foreach (Match declaration in Declaration.Matches(Repository.ReadCode(file)))
            {
                string name = declaration.Groups["name"].Value;
                if (!_roomsByType.TryGetValue(name, out HashSet<string>? rooms))
                    _roomsByType[name] = rooms = [];
                rooms.Add(room);
            }
        }
    }

    /// <summary>Top-level type names that are declared in more than one room: their arrows could not be told.</summary>
    internal IEnumerable<string> Ambiguous =>
        _roomsByType.Where(pair => pair.Value.Count > 1).Select(pair => $"{pair.Key}: {string.Join(", ", pair.Value.Order())}");

    /// <summary>Null for what the compiler made.</summary>
    internal string? RoomOf(Type type)
    {
        string name = TypeReferences.Outermost(type).Name.Split('`')[0];
        return _roomsByType.TryGetValue(name, out HashSet<string>? rooms) ? rooms.First() : null;
    }

    /// <summary>Each pair of rooms between which there is an arrow, with one example.</summary>
    internal IReadOnlyDictionary<(string From, string To), string> Arrows(Assembly assembly)
    {
        Dictionary<(string, string), string> arrows = [];
        foreach (Type type in assembly.GetTypes())
        {
            if (RoomOf(type) is not { } from)
                continue;
            foreach (Type used in TypeReferences.Of(type).Where(used => used.Assembly == assembly))
            {
                if (RoomOf(used) is { } to && to != from)
                    arrows.TryAdd((from, to), $"{from} → {to}: {type.FullName} uses {used.Name}");
            }
        }
        return arrows;
    }

    // Declarations at the left margin: the projects use file-scoped namespaces, so nested types are indented.
    [GeneratedRegex(@"^(?:(?:public|internal|file|sealed|static|abstract|readonly|unsafe|partial|ref)\s+)*(?:class|struct|interface|enum|record(?:\s+(?:class|struct))?|delegate\s+\S+)\s+(?<name>\w+)", RegexOptions.Multiline)]
    private static partial Regex Declaration { get; }
}
