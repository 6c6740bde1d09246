using Microsoft.Win32.SafeHandles;

namespace UnixLoop.Loop.Tests.Spawning;

public sealed class StartInfoRulesTests : SpawningTest
{
    public static TheoryData<string, Action<SubprocessStartInfo>> Mistakes => new()
    {
        { "Arguments[1] has a NUL character at index 1", i => i.Arguments[1] = "a\0b" },
        { "Arguments[1] is null", i => i.Arguments[1] = null! },
        { "Arguments[1] has half a surrogate pair", i => i.Arguments[1] = "a\ud800b" },
        { "Argv0 has a NUL character", i => i.Argv0 = "\0" },
        { "WorkingDirectory has a NUL character", i => i.WorkingDirectory = "/tmp\0/x" },
        { "WorkingDirectory is empty", i => i.WorkingDirectory = "" },
        { "Environment has a variable with an empty name", i => i.Environment[""] = "x" },
        { "Environment has a variable named 'A=B'", i => i.Environment["A=B"] = "x" },
        { "a name in Environment has a NUL character", i => i.Environment["A\0"] = "x" },
        { "Environment[A] has a NUL character", i => i.Environment["A"] = "x\0" },
        { "Environment[A] has half a surrogate pair", i => i.Environment["A"] = new string('x', 2_000) + '\udc00' },
        { "Descriptors[2] is outside 3 to 1023", i => i.Descriptors[2] = new SafeFileHandle(0, ownsHandle: false) },
        { "Descriptors[-1] is outside", i => i.Descriptors[-1] = new SafeFileHandle(0, ownsHandle: false) },
        { "Descriptors[1024] is outside", i => i.Descriptors[1024] = new SafeFileHandle(0, ownsHandle: false) },
        { "Descriptors[3] is null", i => i.Descriptors[3] = null! },
        { "Descriptors[3] is not a valid descriptor", i => i.Descriptors[3] = new SafeFileHandle(-1, ownsHandle: false) },
        { "Descriptors[3] has been closed", i => i.Descriptors[3] = Closed() },
        { "PipeCapacity is 4095", i => i.PipeCapacity = 4095 },
        { "PipeCapacity is -1", i => i.PipeCapacity = -1 },
        { "ProcessGroup is 17", i => i.ProcessGroup = (ProcessGroup)17 },
    };

    [Theory, MemberData(nameof(Mistakes), DisableDiscoveryEnumeration = true)]
    public void Start_Mistake_IsNamedBeforeAnythingIsOpened(string message, Action<SubprocessStartInfo> make)
    {
        SubprocessStartInfo info = new("true", "a", "b");
        make(info);
        string created = Path.Combine(Folder, "created");
        ArgumentException e = Assert.Throws<ArgumentException>(() => Spawned.Start(info, output: Stdio.File(created)));
        Assert.StartsWith($"SubprocessStartInfo: {message}", e.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(created));
    }

    [Fact]
    public void Start_FileNameWithNul_IsRefused() =>
        Assert.Contains("FileName", Assert.Throws<ArgumentException>(() => Spawned.Start(new SubprocessStartInfo("tr\0ue"))).Message, StringComparison.Ordinal);

    [Fact]
    public void Start_AsOutputElsewhere_IsRefused()
    {
        Assert.Contains("Input is Stdio.AsOutput", Assert.Throws<ArgumentException>(() => Spawned.Start(new("true"), input: Stdio.AsOutput)).Message, StringComparison.Ordinal);
        Assert.Contains("Output is Stdio.AsOutput", Assert.Throws<ArgumentException>(() => Spawned.Start(new("true"), output: Stdio.AsOutput)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_StreamMistakes_AreNamed()
    {
        Assert.Contains("Error has a NUL character", Assert.Throws<ArgumentException>(() => Spawned.Start(new("true"), error: Stdio.File("a\0b"))).Message, StringComparison.Ordinal);
        Assert.Contains("Input has been closed", Assert.Throws<ArgumentException>(() => Spawned.Start(new("true"), input: Stdio.Descriptor(Closed()))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_SurrogatePairs_Pass()
    {
        string longText = string.Concat(Enumerable.Repeat("x😀", 1_000));
        Assert.Equal([longText], Spawned.Lines(new SubprocessStartInfo("echo", longText)));
    }

    private static SafeFileHandle Closed()
    {
        SafeFileHandle handle = File.OpenHandle("/dev/null");
        handle.Dispose();
        return handle;
    }
}
