using System.Text.RegularExpressions;

namespace UnixLoop.Process.Tests.Architecture;

/// <summary>A shell, or any other splitting of a command line, is never there unasked.</summary>
public sealed partial class ShellTests
{
    [Fact]
    public void Sources_ShellIsNamed_OnceAlone()
    {
        string[] naming = [.. Repository.SourceFiles("src").Where(file => Shell.IsMatch(Repository.ReadCode(file))).Select(Repository.Relative)];
        Assert.Equal(["src/Loop/Subprocesses/SubprocessStartInfo.cs"], naming);
    }

    [Fact]
    public void Sources_CommandLines_AreNotSplit()
    {
        IEnumerable<string> files = Repository.SourceFiles("src/Loop/Subprocesses/Spawning").Where(file => SplitAtBlanks.IsMatch(Repository.ReadCode(file)));
        Findings.AreNone(files.Select(Repository.Relative));
    }

    [GeneratedRegex(@"""(/bin/)?(ba|da)?sh""")]
    private static partial Regex Shell { get; }

    [GeneratedRegex(@"\.(Split|EnumerateSplits)\(\s*(\)|' '|"" ""|\(char\[\]\?\)null)")]
    private static partial Regex SplitAtBlanks { get; }
}
