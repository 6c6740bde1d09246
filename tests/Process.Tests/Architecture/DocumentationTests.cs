using System.Text.RegularExpressions;

namespace UnixLoop.Process.Tests.Architecture;

public sealed partial class DocumentationTests
{
    public static TheoryData<string> Pages =>
    [
        "architecture",
        "asyncio",
        "attributes",
        "cases",
        "children",
        "connections",
        "containers",
        "datagrams",
        "diagnostics",
        "fault-injection",
        "hosting",
        "kestrel",
        "linux",
        "loop",
        "performance",
        "pipelines",
        "pipes",
        "sendfile",
        "signals",
        "subprocesses",
        "supervision",
        "transports",
    ];

    [Theory, MemberData(nameof(Pages))]
    public void Docs_EveryRoom_HasItsPage(string page)
    {
        Assert.True(Repository.ReadDocument($"docs/{page}.md").Length > 500);
        Assert.Contains($"docs/{page}.md", Repository.ReadDocument("README.md"), StringComparison.Ordinal);
    }

    [Fact]
    public void Docs_RelativeLinks_LeadSomewhere()
    {
        List<string> broken = [];
        foreach (string page in Markdown())
        {
            string folder = Path.GetDirectoryName(page)!;
            foreach (Match link in Link.Matches(File.ReadAllText(page)))
            {
                string target = link.Groups["target"].Value;
                if (target.Contains("://", StringComparison.Ordinal))
                    continue;
                string[] parts = target.Split('#');
                string path = parts[0].Length > 0 ? Path.Combine(folder, parts[0]) : page;
                if (!Path.Exists(path) || (parts.Length > 1 && !Anchors(path).Contains(parts[1])))
                    broken.Add($"{Repository.Relative(page)}: {target}");
            }
        }
        Findings.AreNone(broken);
    }

    [Fact]
    public void Docs_Anchors_AreMadeOfHeadings() => Assert.Contains("changed-on-purpose", Anchors(Path.Combine(Repository.Root, "docs/asyncio.md")));

    [Fact]
    public void Docs_EveryInstrument_IsDescribed()
    {
        string page = Repository.ReadDocument("docs/diagnostics.md");
        string[] names = [.. Repository.SourceFiles("src").SelectMany(file => Instrument.Matches(Repository.ReadCode(file)))
            .Select(match => match.Groups["name"].Value).Distinct()];
        Assert.NotEmpty(names);
        string[] missing = [.. names.Where(name => !page.Contains($"`{name}`", StringComparison.Ordinal))];
        Findings.AreNone(missing);
    }

    [Fact]
    public void Docs_Paths_AreNobodysMachine()
    {
        IEnumerable<string> pages = Markdown().Where(page => MachinePath.IsMatch(File.ReadAllText(page)));
        Findings.AreNone(pages.Select(Repository.Relative));
    }

    [Theory]
    [InlineData("README.md")]
    [InlineData("src/Loop/README.md")]
    public void Docs_ReadmesCode_StandsInACompiledSample(string readme)
    {
        string[] samples = [.. Repository.SourceFiles("samples").Select(file => Trimmed(File.ReadAllText(file)))];
        Match[] blocks = [.. CSharpBlock.Matches(Repository.ReadDocument(readme)).Cast<Match>()];
        Assert.NotEmpty(blocks);
        Assert.All(blocks, block => Assert.Contains(samples, sample => sample.Contains(Trimmed(UsingDirective.Replace(block.Groups["code"].Value, "")), StringComparison.Ordinal)));
    }

    /// <summary>Word for word in tests/Pages or in a sample, but for the directives: those stand at the top of a file.</summary>
    [Fact]
    public void Docs_EachBlockOfCode_IsCompiled()
    {
        string[] sources = [.. Repository.SourceFiles("tests").Concat(Repository.SourceFiles("samples")).Select(file => Trimmed(File.ReadAllText(file)))];
        List<string> lost = [];
        int found = 0;
        foreach (string page in Markdown())
        {
            foreach (Match block in CSharpBlock.Matches(File.ReadAllText(page)))
            {
                found++;
                string code = Trimmed(UsingDirective.Replace(block.Groups["code"].Value, ""));
                if (!sources.Any(source => source.Contains(code, StringComparison.Ordinal)))
                    lost.Add($"{Repository.Relative(page)}: {code.Split('\n')[0]}");
            }
        }
        Assert.True(found > 30, $"Only {found} blocks were found.");
        Findings.AreNone(lost);
    }

    [Theory]
    [InlineData("dotnet run --project samples/WorkerApp")]
    [InlineData("dotnet test")]
    public void Docs_ReadmesFirstScreen_HasTheTwoCommands(string command) =>
        Assert.Contains(command, Repository.ReadDocument("README.md").Split('\n').Take(45));

    /// <summary>Without indentation, which a page leaves out.</summary>
    private static string Trimmed(string text) => string.Join('\n', text.Trim().Split('\n').Select(line => line.Trim()));

    /// <summary>What a heading is called in a link: in small letters, without punctuation, with a hyphen for each space.</summary>
    private static HashSet<string> Anchors(string page) =>
        [.. Heading.Matches(File.ReadAllText(page)).Select(heading => Punctuation.Replace(heading.Groups["text"].Value.Trim().ToLowerInvariant(), "").Replace(' ', '-'))];

    private static IEnumerable<string> Markdown() =>
        new[] { "docs", "src", "samples" }.SelectMany(folder =>
            Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.md", SearchOption.AllDirectories))
            .Concat(Directory.EnumerateFiles(Repository.Root, "*.md"));

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link { get; }

    [GeneratedRegex(@"^#+ (?<text>.*)", RegexOptions.Multiline)]
    private static partial Regex Heading { get; }

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex Punctuation { get; }

    [GeneratedRegex("```csharp\n(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex CSharpBlock { get; }

    [GeneratedRegex(@"^using [A-Z][\w.]*;\n", RegexOptions.Multiline)]
    private static partial Regex UsingDirective { get; }

    [GeneratedRegex("""
        "(?<name>unixloop\.[a-z0-9_.]+)"
        """)]
    private static partial Regex Instrument { get; }

    [GeneratedRegex(@"(^|[\s`'""(])/(home|root|Users|work)/\w")]
    private static partial Regex MachinePath { get; }
}
