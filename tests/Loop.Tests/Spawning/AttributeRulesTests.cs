namespace UnixLoop.Loop.Tests.Spawning;

public sealed class AttributeRulesTests : SpawningTest
{
    [Fact]
    public void Start_AttributesThatContradictThemselves_AreRefusedByName()
    {
        Refused(new() { User = "" }, "SubprocessAttributes: User is empty.");
        Refused(new() { Groups = ["a", "b\0c"] }, "SubprocessAttributes: Groups[1] has a NUL character at index 1, which is the end of a text for the kernel.");
        Refused(new() { User = "a\ud800" }, "SubprocessAttributes: User has half a surrogate pair, which UTF-8 can't express.");
        Refused(new() { Cgroup = "" }, "SubprocessAttributes: Cgroup is empty.");
        Refused(new() { Umask = UnixFileMode.SetUser }, "SubprocessAttributes: Umask is 4000 (octal); a mask has the permissions 0777 alone (umask(2)).");
        Refused(new() { ParentDeathSignal = default(UnixSignal) }, "SubprocessAttributes: ParentDeathSignal is the default value, which is no signal; null stands for none.");
        Refused(new() { Limits = { [(ResourceLimit)16] = new(1) } }, "SubprocessAttributes: Limits has 16, which is no resource.");
        Refused(new() { Limits = { [ResourceLimit.Cpu] = new(2, 1) } }, "SubprocessAttributes: Limits[Cpu] is 2:1; the soft limit can't be above the hard one (setrlimit(2)).");
    }

    private static void Refused(SubprocessAttributes attributes, string message) =>
        Assert.Equal(message, Assert.Throws<ArgumentException>(() => Spawned.Start(new SubprocessStartInfo("true") { Attributes = attributes })).Message);
}
