using UnixLoop.Interop;
using UnixLoop.Subprocesses;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.Spawning;

public sealed class SpawnerTests : SpawningTest
{
    [Fact]
    public void Start_Arguments_ArriveAsTheyAre()
    {
        string[] arguments = ["", "two words", "$HOME", "'\"\\", "*", "ä€😀", "-n", new string('x', 20_000)];
        (string output, int code) = Spawned.Run(new SubprocessStartInfo("/usr/bin/printf", ["%s\\0", .. arguments]));
        Assert.Equal(0, code);
        Assert.Equal(arguments, output.Split('\0')[..^1]);
    }

    [Theory]
    [InlineData(null, "/bin/sh")]
    [InlineData("other name", "other name")]
    [InlineData("", "")]
    public void Start_Argv0_IsWhatTheProgramSees(string? argv0, string seen)
    {
        SubprocessStartInfo info = new("/bin/sh", "-c", "tr '\\0' '\\n' < /proc/$$/cmdline") { Argv0 = argv0 };
        Assert.Equal(seen, Spawned.Run(info).Output.Split('\n')[0]);
    }

    [Fact]
    public void Start_ManyArguments_GrowTheirMemory()
    {
        string[] arguments = [.. Enumerable.Range(0, 20_000).Select(i => $"argument {i}")];
        string[] lines = Spawned.Lines(new SubprocessStartInfo("/usr/bin/printf", ["%s\\n", .. arguments]));
        Assert.Equal(arguments, lines);
    }

    [Fact]
    public void Start_ExitCodeAndSignal_AreTheChilds()
    {
        Assert.Equal(7, Spawned.Shell("exit 7").ReturnCode);
        Assert.Equal(-SIGKILL, Spawned.Shell("kill -9 $$").ReturnCode);
    }

    [Theory, MemberData(nameof(Spawned.Ways), MemberType = typeof(Spawned))]
    public void Start_WorkingDirectory_IsTheChilds(string way)
    {
        SubprocessStartInfo info = new("pwd") { WorkingDirectory = Folder };
        Assert.Equal([Folder], Spawned.Lines(info, features: Spawned.Features(way)));
    }

    [Fact]
    public void Start_WorkingDirectory_RelativePathsCountFromThere()
    {
        NewScript("sub/tool", "found");
        Assert.Equal(["found"], Spawned.Lines(new SubprocessStartInfo("sub/tool") { WorkingDirectory = Folder }));
        Assert.Equal(["found"], Spawned.Lines(new SubprocessStartInfo("./tool") { WorkingDirectory = $"{Folder}/sub" }));
    }

    [Fact]
    public void Start_Pipes_OurEndsAreNonBlockingAndCloseOnExec()
    {
        SpawnedChild child = Spawned.Start(new SubprocessStartInfo("cat"), Stdio.Pipe, Stdio.Pipe, Stdio.Pipe);
        foreach (UnixHandle ours in new[] { child.InputWriteEnd!, child.OutputReadEnd!, child.ErrorReadEnd! })
        {
            Assert.Equal(O_NONBLOCK, Libc.Fcntl(ours.Descriptor, F_GETFL).IntValue & O_NONBLOCK);
            Assert.Equal(FD_CLOEXEC, Libc.Fcntl(ours.Descriptor, F_GETFD).IntValue);
        }
        Spawned.Write(child.InputWriteEnd!, "through the child");
        Assert.Equal("through the child", Spawned.ReadToEnd(child.OutputReadEnd!));
        Assert.Equal(0, Spawned.Reap(child));
    }

    [Fact]
    public void Start_NoPipes_GivesNoEnds()
    {
        SpawnedChild child = Spawned.Start(new SubprocessStartInfo("true"));
        Assert.Null(child.InputWriteEnd);
        Assert.Null(child.OutputReadEnd);
        Assert.Null(child.ErrorReadEnd);
        Assert.Equal(0, Spawned.Reap(child));
    }

    [Fact]
    public void Start_TheSameInfoTwice_StartsTwoChildren()
    {
        SubprocessStartInfo info = new("sh", "-c", "echo $X") { Environment = { ["X"] = "again" } };
        Assert.Equal(["again"], Spawned.Lines(info));
        Assert.Equal(["again"], Spawned.Lines(info));
    }

    [Fact]
    public void Rule07_Start_GivesAPidfdOfTheChildAlone()
    {
        Requires.Kernel(5, 4);
        SpawnedChild child = Spawned.Start(new SubprocessStartInfo("cat"), Stdio.Pipe);
        Assert.Equal(0, child.PidfdErrno);
        string[] fdinfo = File.ReadAllLines($"/proc/self/fdinfo/{child.Pidfd!.Descriptor}");
        Assert.Contains($"Pid:\t{child.Pid}", fdinfo);
        Assert.Equal(FD_CLOEXEC, Libc.Fcntl(child.Pidfd.Descriptor, F_GETFD).IntValue);
        child.InputWriteEnd!.Dispose();
        Assert.Equal(0, Spawned.Reap(child));
    }

    [Fact]
    public void Start_ChildThatEndsAtOnce_StillHasItsPidfd()
    {
        for (int i = 0; i < 50; i++)
        {
            SpawnedChild child = Spawned.Start(new SubprocessStartInfo("/bin/true"));
            Assert.NotNull(child.Pidfd);
            Assert.Equal(0, Spawned.Reap(child));
        }
    }
}
