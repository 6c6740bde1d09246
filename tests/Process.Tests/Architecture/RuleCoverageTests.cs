using System.Globalization;
using System.Text.RegularExpressions;

namespace UnixLoop.Process.Tests.Architecture;

/// <summary>docs/linux.md: each rule is kept by tests with its number in their names, and each citation leads to a rule.</summary>
public sealed partial class RuleCoverageTests
{
    private static readonly Dictionary<int, string> Sections = Section.Matches(Repository.ReadDocument("docs/linux.md"))
        .ToDictionary(match => Number(match.Groups["rule"].Value), match => match.Groups["text"].Value);

    private static readonly HashSet<string> Tests = [.. Repository.SourceFiles("tests").SelectMany(file => TestMethod.Matches(Repository.ReadCode(file)))
        .Select(match => match.Groups["name"].Value)];

    public static TheoryData<int> Rules => [.. Enumerable.Range(1, 30)];

    [Theory, MemberData(nameof(Rules))]
    public void Rule_OnThePage_NamesTheTestsThatKeepIt(int rule)
    {
        string kept = Kept.Match(Sections[rule]).Value;
        Assert.True(kept.Length > 0, $"Rule {rule} does not say what keeps it.");
        string[] named = [.. TestName.Matches(kept).Select(match => match.Value)];
        Assert.True(named.Length > 0, $"Rule {rule} names no test.");
        Findings.AreNone(named.Where(test => !Tests.Contains(test)));
        Findings.AreNone(named.Where(test => !test.StartsWith($"Rule{rule:00}_", StringComparison.Ordinal)));
    }

    [Fact]
    public void Rules_OfTestsNames_StandOnThePage() =>
        Findings.AreNone(Tests.Where(test => !Sections.ContainsKey(Number(test[4..6]))));

    [Fact]
    public void Rules_Cited_StandOnThePage()
    {
        List<string> lost = [];
        int found = 0;
        foreach (string file in new[] { "src", "tests", "samples" }.SelectMany(Repository.SourceFiles))
        {
            foreach (Match citation in Citation.Matches(File.ReadAllText(file)))
            {
                found++;
                lost.AddRange(Digits.Matches(citation.Value).Where(number => !Sections.ContainsKey(Number(number.Value)))
                    .Select(number => $"{Repository.Relative(file)}: rule {number.Value}"));
            }
        }
        Assert.True(found > 20, $"Only {found} citations were found.");
        Findings.AreNone(lost);
    }

    private static int Number(string digits) => int.Parse(digits, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^### Rule (?<rule>\d+): (?<text>.*?)(?=^##|\z)", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Section { get; }

    [GeneratedRegex(@"^Kept by .*", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Kept { get; }

    [GeneratedRegex(@"\bRule\d\d_\w+")]
    private static partial Regex TestName { get; }

    [GeneratedRegex(@"\b(void|Task|ValueTask)\s+(?<name>Rule\d\d_\w+)\(")]
    private static partial Regex TestMethod { get; }

    [GeneratedRegex(@"linux\.md, rules? \d+( and \d+|, \d+)*|rule \d+ of linux\.md")]
    private static partial Regex Citation { get; }

    [GeneratedRegex(@"\d+")]
    private static partial Regex Digits { get; }
}
