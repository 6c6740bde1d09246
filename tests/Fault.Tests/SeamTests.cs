using System.Text.RegularExpressions;
using UnixLoop.Fault.Tests.Injection;

namespace UnixLoop.Fault.Tests;

/// <summary>Every native call of the library asks the fault plan, and every name that it asks with has its errnos.</summary>
public sealed partial class SeamTests
{
    // What no plan could fail in a way that happens: the reason stands beside it.
    private static readonly Dictionary<string, string> NeverAsked = new()
    {
        ["close"] = "the descriptor is gone whatever it returns (close(2))",
        ["getgrouplist"] = "fails for too little room alone, and is asked again with more (getgrouplist(3))",
        ["unixloop_spawn"] = "its steps ask, one by one (SpawnHelper.Faults.cs)",
        ["getrlimit"] = "asked for the text of an error alone; failing means that the text lacks a number",
        ["syscall"] = "Call's alone, whose callers are looked at as those of an import",
        ["futex"] = "a wait that ends early is only begun again; a wake has no failure but a wrong argument (futex(2))",
        ["getpgrp"] = "has no errors",
        ["geteuid"] = "has no errors",
        ["isatty"] = "every error says no",
        ["posix_spawn_file_actions_destroy"] = "has no errors",
        ["posix_spawnattr_destroy"] = "has no errors",
        ["posix_spawnattr_setflags"] = "EINVAL alone, for flags that do not exist",
        ["posix_spawnattr_setpgroup"] = "has no errors",
        ["posix_spawnattr_setsigdefault"] = "has no errors",
        ["posix_spawnattr_setsigmask"] = "has no errors",
        ["__libc_current_sigrtmin"] = "has no errors",
        ["__libc_current_sigrtmax"] = "has no errors",
    };

    [Fact]
    public void Wrappers_EveryImport_AsksThePlanOrSaysWhyNot()
    {
        string[] files = [.. Directory.EnumerateFiles(Path.Combine(Root(), "src/Loop/Interop"), "*.cs")];
        string[] members = [.. files.SelectMany(file => MemberBreak.Split(Comment.Replace(File.ReadAllText(file), "")))];
        string[] imports = [.. members.Where(IsImport).SelectMany(member => ImportName.Matches(member)).Select(match => match.Groups["name"].Value).Distinct()];
        Assert.True(imports.Length > 20, "the imports are found");
        Assert.Contains(members, IsCallItself);

        List<string> findings = [];
        foreach (string import in imports.Append(ByNumber))
        {
            string[] callers = [.. members.Where(member => !IsImport(member) && !(import == ByNumber && IsCallItself(member)) && Regex.IsMatch(member, $@"\b{import}\("))];
            bool asks = callers.Length > 0 && callers.All(caller => caller.Contains("Faults.Fails(", StringComparison.Ordinal));
            if (!asks && !NeverAsked.ContainsKey(import))
                findings.Add($"{import}: {(callers.Length == 0 ? "no wrapper found" : "a wrapper does not ask Faults")}");
            if (asks && NeverAsked.ContainsKey(import))
                findings.Add($"{import}: asks Faults, so it has no place in the list of exceptions");
        }
        findings.AddRange(NeverAsked.Keys.Except(imports).Select(name => $"{name}: is not imported any more"));
        Assert.True(findings.Count == 0, string.Join('\n', findings));
    }

    [Fact]
    public void Wrappers_EveryNameAsked_HasItsErrnos()
    {
        HashSet<string> asked = [.. Directory.EnumerateFiles(Path.Combine(Root(), "src/Loop/Interop"), "*.cs")
            .Select(File.ReadAllText)
            .SelectMany(text => Asked.Matches(text).Concat(AskedByCommand.Matches(text)))
            .Select(match => match.Groups["name"].Value)];
        Assert.Equal(asked.Order(StringComparer.Ordinal), DocumentedErrnos.Table.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Errnos_NothingListed_SaysWhy() =>
        Assert.All(DocumentedErrnos.Table.Values, entry =>
            Assert.True(entry.Listed.Length > 0 || entry.MeetsTheft || entry.WhyNone is not null, entry.Page));

    /// <summary>Any system call, by its number.</summary>
    private const string ByNumber = "Call";

    private static bool IsCallItself(string member) => member.Contains($"PosixResult {ByNumber}(nint number,", StringComparison.Ordinal);

    private static bool IsImport(string member) => member.Contains("[LibraryImport(", StringComparison.Ordinal);

    private static string Root()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Hosting.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("No Hosting.sln above the tests.");
        return folder;
    }

    [GeneratedRegex(@"\n\s*\n")]
    private static partial Regex MemberBreak { get; }

    [GeneratedRegex(@"(?<=^|\s)//[^\n]*")]
    private static partial Regex Comment { get; }

    [GeneratedRegex(@"static partial \S+ (?<name>\w+)\(")]
    private static partial Regex ImportName { get; }

    [GeneratedRegex(@"Faults\.Fails\(""(?<name>[^""]+)""")]
    private static partial Regex Asked { get; }

    /// <summary>The names that depend on a command: "fcntl F_SETPIPE_SZ".</summary>
    [GeneratedRegex(@"(\?|:) ""(?<name>(fcntl|epoll_ctl)[^""]*)""")]
    private static partial Regex AskedByCommand { get; }
}
