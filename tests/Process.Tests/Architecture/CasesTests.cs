using System.Text.RegularExpressions;

namespace UnixLoop.Process.Tests.Architecture;

/// <summary>docs/cases.md: each case is held by tests that exist, or says why it does not apply.</summary>
public sealed partial class CasesTests
{
    private static readonly string[] Rows = [.. Repository.ReadDocument("docs/cases.md").Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal) && !line.StartsWith("| case |", StringComparison.Ordinal))];

    /// <summary>As "Class.Method"; classes of one name in two places count as one.</summary>
    private static readonly HashSet<string> Tests = [.. Repository.SourceFiles("tests").SelectMany(TestsOf)];

    [Fact]
    public void Cases_EachRow_NamesATestOrSaysWhyItDoesNotApply()
    {
        Assert.True(Rows.Length > 80, $"Only {Rows.Length} rows were found.");
        Findings.AreNone(Rows.Where(row => Cells(row) is not [{ Length: > 0 }, { Length: > 0 } held]
            || (!TestName.IsMatch(held) && !held.StartsWith("does not apply: ", StringComparison.Ordinal))));
    }

    [Fact]
    public void Cases_TestsNamed_Exist()
    {
        string[] named = [.. Rows.SelectMany(row => TestName.Matches(row)).Select(match => match.Groups["test"].Value)];
        Assert.True(named.Length > 80, $"Only {named.Length} tests are named.");
        Findings.AreNone(named.Where(test => !Tests.Contains(test)).Distinct());
    }

    [Fact]
    public void Cases_NoRow_StandsTwice() =>
        Findings.AreNone(Rows.GroupBy(row => row).Where(same => same.Count() > 1).Select(same => same.Key));

    private static string[] Cells(string row) => [.. row.Trim('|').Split(" | ").Select(cell => cell.Trim())];

    /// <summary>The public methods with an attribute above them, of the file's outermost class.</summary>
    private static IEnumerable<string> TestsOf(string file)
    {
        string code = Repository.ReadCode(file);
        Match type = TestClass.Match(code);
        return type.Success ? TestMethod.Matches(code).Select(method => $"{type.Groups["name"].Value}.{method.Groups["name"].Value}") : [];
    }

    [GeneratedRegex(@"`(?<test>[A-Z]\w+Tests\.[A-Z]\w+)`")]
    private static partial Regex TestName { get; }

    [GeneratedRegex(@"^public (abstract |sealed |partial )*class (?<name>\w+)", RegexOptions.Multiline)]
    private static partial Regex TestClass { get; }

    [GeneratedRegex(@"\[(Fact|Theory)[^\n]*\n(\s*\[[^\n]*\n|\s*#[^\n]*\n)*\s*public (async )?(void|Task|ValueTask) (?<name>\w+)\(")]
    private static partial Regex TestMethod { get; }
}
