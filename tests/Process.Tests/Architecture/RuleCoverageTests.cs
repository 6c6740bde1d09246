using System.Text.RegularExpressions;

namespace UnixLoop.Process.Tests.Architecture;

/// <summary>Each rule of Linux that the code obeys is kept by a test with the rule's number in its name.</summary>
public sealed partial class RuleCoverageTests
{
    // Rules without a row belong to code that does not exist yet: 23 to 29 Unix sockets and sendfile, 30 systemd.
    public static TheoryData<int> Rules => [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22];

    [Theory, MemberData(nameof(Rules))]
    public void Rule_Number_StandsInATestsName(int rule)
    {
        string[] tests = [.. Repository.SourceFiles("tests").SelectMany(file => TestName.Matches(Repository.ReadCode(file)))
            .Select(match => match.Groups["rule"].Value)];
        Assert.Contains($"{rule:00}", tests);
    }

    [GeneratedRegex(@"\b(void|Task|ValueTask)\s+Rule(?<rule>\d\d)_\w+\(")]
    private static partial Regex TestName { get; }
}
