using System.Text.RegularExpressions;

namespace UnixLoop.Process.Tests.Architecture;

public sealed partial class SourceHygieneTests
{
    [Fact]
    public void Sources_Length_IsOneIdeaAFile()
    {
        string[] tooLong = [.. new[] { "src", "tests", "samples" }.SelectMany(Repository.SourceFiles)
            .Where(file => File.ReadLines(file).Count() > 400).Select(Repository.Relative)];
        Findings.AreNone(tooLong);
    }

    [Fact]
    public void Sources_Length_NineOfTenAreUnder200()
    {
        int[] lengths = [.. Repository.SourceFiles("src").Select(file => File.ReadLines(file).Count())];
        Assert.True(lengths.Count(length => length < 200) >= lengths.Length * 0.9,
            $"{lengths.Count(length => length >= 200)} of {lengths.Length} files have 200 lines or more.");
    }

    [Fact]
    public void Sources_Unfinished_Nothing()
    {
        IEnumerable<string> files = new[] { "src", "samples" }.SelectMany(Repository.SourceFiles)
            .Where(file => Unfinished.IsMatch(File.ReadAllText(file)));
        Findings.AreNone(files.Select(Repository.Relative));
    }

    [Fact]
    public void Sources_SwallowedExceptions_None()
    {
        IEnumerable<string> files = new[] { "src", "samples" }.SelectMany(Repository.SourceFiles)
            .Where(file => SwallowedWhole.IsMatch(File.ReadAllText(file)));
        Findings.AreNone(files.Select(Repository.Relative));
    }

    [Fact]
    public void Tests_Sleeping_WaitForConditionsInstead()
    {
        IEnumerable<string> files = Repository.SourceFiles("tests")
            .Where(file => file.Contains(".Tests/", StringComparison.Ordinal))
            .Where(file => Sleep.IsMatch(Repository.ReadCode(file)) && Path.GetFileName(file) != nameof(SourceHygieneTests) + ".cs");
        Findings.AreNone(files.Select(Repository.Relative));
    }

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|NotImplementedException)\b")]
    private static partial Regex Unfinished { get; }

    [GeneratedRegex(@"catch\s*(\(Exception\s*\w*\)\s*)?\{\s*\}")]
    private static partial Regex SwallowedWhole { get; }

    // A delay on a clock of the test's own is no sleep.
    [GeneratedRegex(@"\bThread\.Sleep\(|\bTask\.Delay\([^,()]*(\([^()]*\))?[^,()]*\)")]
    private static partial Regex Sleep { get; }
}
