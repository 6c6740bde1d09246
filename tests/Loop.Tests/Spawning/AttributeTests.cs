using UnixLoop.Interop;
using UnixLoop.Subprocesses;

namespace UnixLoop.Loop.Tests.Spawning;

/// <summary>Each attribute as the child itself sees it.</summary>
public sealed class AttributeTests : SpawningTest
{
    private const string Nobody = "65534";

    public AttributeTests() => Requires.That(SpawnFeatures.OfThisLibc.HelperMissing is null, "the native helper");

    [Fact]
    public void Umask_IsTheChilds()
    {
        Assert.Equal(["0027"], Lines(new() { Umask = UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute }, "umask"));
        Assert.Equal(["0000"], Lines(new() { Umask = UnixFileMode.None }, "umask"));
    }

    [Fact]
    public void Limits_AreTheChilds()
    {
        SubprocessAttributes attributes = new()
        {
            Limits =
            {
                [ResourceLimit.NoFile] = new(64, 128),
                [ResourceLimit.Core] = new(0),
                [ResourceLimit.FSize] = new(1_000_000, ResourceLimitValue.Unlimited),
            },
        };
        string[] limits = Lines(attributes, "cat /proc/self/limits");
        Assert.Contains(limits, line => line.Contains("Max open files            64                   128"));
        Assert.Contains(limits, line => line.Contains("Max core file size        0                    0"));
        Assert.Contains(limits, line => line.Contains("Max file size             1000000              unlimited"));
    }

    [Fact]
    public void Limits_OfOurOwn_StayAsTheyAre()
    {
        string before = File.ReadAllText("/proc/self/limits");
        Lines(new() { Limits = { [ResourceLimit.NoFile] = new(64) }, Umask = UnixFileMode.None }, "true");
        Assert.Equal(before, File.ReadAllText("/proc/self/limits"));
    }

    [Fact]
    public void NoNewPrivileges_IsTheChildsAlone()
    {
        Assert.Equal(["NoNewPrivs:\t1"], Lines(new() { NoNewPrivileges = true }, "grep NoNewPrivs /proc/self/status"));
        Assert.Equal("0", StatusOf("self", "NoNewPrivs"));
    }

    [Fact]
    public void User_ByName_BringsItsGroups()
    {
        Requires.Root();
        string[] ids = Lines(new() { User = "daemon" }, "id -u; id -g; id -G; grep -E '^(Uid|Gid)' /proc/self/status");
        Assert.Equal(["1", "1", "1", "Uid:\t1\t1\t1\t1", "Gid:\t1\t1\t1\t1"], ids);
    }

    [Fact]
    public void User_ByNumber_IsLookedUpToo()
    {
        Requires.Root();
        Assert.Equal([Nobody, Nobody, Nobody], Lines(new() { User = Nobody }, "id -u; id -g; id -G"));
    }

    [Fact]
    public void Credentials_Numbers_NeedNoEntry()
    {
        Requires.Root();
        Assert.Equal(["4711", "4712", "4712 1 4713"], Lines(new() { User = "4711", Group = "4712", Groups = ["4713", "daemon"] }, "id -u; id -g; id -G"));
        Assert.Equal(["4711", "4712", "4712"], Lines(new() { User = "4711", Group = "4712" }, "id -u; id -g; id -G"));
    }

    [Fact]
    public void Groups_Empty_TakesAllAway()
    {
        Requires.Root();
        Assert.Equal(["Groups:\t "], Lines(new() { Groups = [] }, "grep Groups /proc/self/status"));
    }

    [Fact]
    public void User_Changed_LosesItsCapabilities()
    {
        Requires.Root();
        Assert.Equal(["CapEff:\t0000000000000000"], Lines(new() { User = "nobody" }, "grep CapEff /proc/self/status"));
    }

    [Fact]
    public void User_ThatIsUnknown_IsNamed()
    {
        SubprocessStartException e = Fails(new() { User = "no-such-user" });
        Assert.Equal((SubprocessStartError.Attribute, "ENOENT"), (e.Reason, e.ErrorName));
        Assert.Equal("ENOENT: can't start '/bin/sh': SubprocessAttributes.User: there is no user 'no-such-user'", e.Message);
        Assert.EndsWith("SubprocessAttributes.Group: there is no group 'no-such-group'", Fails(new() { Group = "no-such-group" }).Message, StringComparison.Ordinal);
        Assert.EndsWith("SubprocessAttributes.Groups[1]: there is no group 'x y'", Fails(new() { Groups = ["0", "x y"] }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void User_UnknownNumberWithoutAGroup_IsRefused() =>
        Assert.EndsWith("'4711' is no user that the system knows, so its group is unknown: set Group as well", Fails(new() { User = "4711" }).Message, StringComparison.Ordinal);

    [Fact]
    public void Everything_AtOnce_TakesEffect()
    {
        Requires.Root();
        SubprocessAttributes all = new()
        {
            User = "nobody",
            Groups = ["daemon"],
            Umask = UnixFileMode.OtherWrite,
            Limits = { [ResourceLimit.NoFile] = new(50) },
            NoNewPrivileges = true,
        };
        SubprocessStartInfo info = new("sh", "-c", "id -u; id -G; umask; ulimit -n; grep -c . /proc/self/status >/dev/null; pwd; echo $X; sed -n 's/^NoNewPrivs:\\t//p' /proc/self/status")
        {
            Attributes = all,
            WorkingDirectory = "/usr",
            Environment = { ["X"] = "y" },
        };
        Assert.Equal([Nobody, $"{Nobody} 1", "0002", "50", "/usr", "y", "1"], Spawned.Lines(info));
    }

    [Fact]
    public void Start_WithAttributes_HasAllThatAPlainOneHas()
    {
        SubprocessStartInfo info = new("cat", "/proc/self/status") { Attributes = new() { Umask = UnixFileMode.None } };
        SpawnedChild child = Spawned.Start(info, output: Stdio.Pipe);
        Assert.NotNull(child.Pidfd);
        string[] status = Spawned.ReadToEnd(child.OutputReadEnd!).Split('\n');
        Assert.Contains("SigBlk:\t0000000000000000", status);
        Assert.Contains("SigIgn:\t0000000000000000", status);
        Assert.True(child.LeadsGroup);
        Assert.Contains($"Pid:\t{child.Pid}", File.ReadAllLines($"/proc/self/fdinfo/{child.Pidfd.Descriptor}"));
        Assert.Equal(0, Spawned.Reap(child));
    }

    internal static string[] Lines(SubprocessAttributes attributes, string script) =>
        Spawned.Lines(new SubprocessStartInfo("/bin/sh", "-c", script) { Attributes = attributes });

    private static SubprocessStartException Fails(SubprocessAttributes attributes) =>
        Assert.Throws<SubprocessStartException>(() => Lines(attributes, "true"));

    private static string StatusOf(string pid, string key) =>
        File.ReadLines($"/proc/{pid}/status").Single(line => line.StartsWith(key + ":", StringComparison.Ordinal))[(key.Length + 1)..].Trim();
}
