using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;

namespace UnixLoop.Process.Tests.Architecture;

/// <summary>Event ids are API: explicit, named, unique, within their room's range and documented in docs/diagnostics.md.</summary>
public sealed partial class EventIdTests
{
    private static readonly (int First, int Last, string Where)[] Ranges =
    [
        (1000, 1099, "src/Loop"),
        (1100, 1149, "src/Loop/Selector, src/Loop/Timers"),
        (1150, 1199, "src/Loop/Signals"),
        (1200, 1299, "src/Loop/Children"),
        (1300, 1399, "src/Loop/Subprocesses"),
        (1500, 1599, "src/Loop/Transports"),
        (2000, 2099, "src/Hosting/Lifetime"),
        (2100, 2199, "src/Hosting"),
        (2200, 2299, "src/Hosting/Options, src/Hosting/Diagnostics"),
        (2300, 2399, "src/Hosting/Supervision"),
        (2400, 2499, "src/Hosting/Kestrel, src/Hosting/Activation"),
    ];

    public static TheoryData<string> Assemblies => ["UnixLoop", "UnixLoop.Hosting"];

    [Theory, MemberData(nameof(Assemblies))]
    public void LogMethods_EventIds_AreExplicitNamedAndInRange(string assembly)
    {
        LoggerMessageAttribute[] messages = [.. MessagesOf(assembly)];
        Assert.NotEmpty(messages);
        Assert.All(messages, message => Assert.False(string.IsNullOrEmpty(message.EventName), message.Message));
        int hundreds = assembly == "UnixLoop" ? 1 : 2;
        Assert.All(messages, message => Assert.Contains(Ranges, range =>
            message.EventId >= range.First && message.EventId <= range.Last && range.First / 1000 == hundreds));
    }

    [Fact]
    public void LogMethods_EventIds_AreUniqueInBothPackages()
    {
        LoggerMessageAttribute[] messages = [.. Assemblies.SelectMany(row => MessagesOf(row.Data))];
        Findings.AreNone(messages.GroupBy(message => message.EventId).Where(group => group.Count() > 1).Select(group => group.Key));
        Findings.AreNone(messages.GroupBy(message => message.EventName).Where(group => group.Count() > 1).Select(group => group.Key));
    }

    [Fact]
    public void LogMethods_EveryEvent_HasARowInTheDocs()
    {
        string page = Repository.ReadDocument("docs/diagnostics.md");
        Dictionary<int, string> rows = EventRow.Matches(page)
            .ToDictionary(row => int.Parse(row.Groups["id"].Value), row => row.Groups["name"].Value);
        LoggerMessageAttribute[] messages = [.. Assemblies.SelectMany(row => MessagesOf(row.Data))];
        Findings.AreNone(messages.Where(message => !rows.TryGetValue(message.EventId, out string? name) || name != message.EventName)
            .Select(message => $"| {message.EventId} | `{message.EventName}` | {message.Level} | {message.Message} |"));
    }

    [Fact]
    public void LogMethods_DocumentedEvents_Exist()
    {
        HashSet<int> ids = [.. Assemblies.SelectMany(row => MessagesOf(row.Data)).Select(message => message.EventId)];
        string page = Repository.ReadDocument("docs/diagnostics.md");
        int[] unknown = [.. EventRow.Matches(page).Where(row => !row.Value.Contains("retired", StringComparison.Ordinal))
            .Select(row => int.Parse(row.Groups["id"].Value)).Where(id => id < 9000 && !ids.Contains(id))];
        Findings.AreNone(unknown);
    }

    [Fact]
    public void Sources_Logging_GoesThroughLoggerMessageOnly()
    {
        IEnumerable<string> files = Repository.SourceFiles("src").Where(file => DirectLogging.IsMatch(Repository.ReadCode(file)));
        Findings.AreNone(files.Select(Repository.Relative));
    }

    private static IEnumerable<LoggerMessageAttribute> MessagesOf(string assembly) =>
        Assembly.Load(assembly).GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>()).OfType<LoggerMessageAttribute>();

    [GeneratedRegex(@"^\|\s*(?<id>\d{4})\s*\|\s*`(?<name>\w+)`\s*\|.*$", RegexOptions.Multiline)]
    private static partial Regex EventRow { get; }

    [GeneratedRegex(@"\.Log(Trace|Debug|Information|Warning|Error|Critical)\(|\bConsole\.(Out|Error|Write)")]
    private static partial Regex DirectLogging { get; }
}
