using System.Text.RegularExpressions;

namespace UnixLoop.Process.Tests.Architecture;

/// <summary>The sources that the tests were built from.</summary>
internal static partial class Repository
{
    internal static string Root { get; } = FindRoot();

    internal static IEnumerable<string> SourceFiles(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories).Order(StringComparer.Ordinal);

    internal static string Relative(string path) => Path.GetRelativePath(Root, path);

    internal static string ReadDocument(string relativePath) => File.ReadAllText(Path.Combine(Root, relativePath));

    /// <summary>The code of a file without its comments, so that prose never counts as code.</summary>
    internal static string ReadCode(string path) => Comment.Replace(File.ReadAllText(path), "");

    [GeneratedRegex("""(?<=^|[^:"'/])//[^\n]*|/\*.*?\*/""", RegexOptions.Singleline)]
    private static partial Regex Comment { get; }

    private static string FindRoot()
    {
        for (string? folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Hosting.sln")))
                return folder;
        }
        throw new InvalidOperationException($"No Hosting.sln above {AppContext.BaseDirectory}.");
    }
}
