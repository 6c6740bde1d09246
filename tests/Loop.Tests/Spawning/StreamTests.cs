using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using UnixLoop.Subprocesses;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.Spawning;

public sealed class StreamTests : SpawningTest
{
    [Fact]
    public void Input_Null_IsAtItsEnd() => Assert.Equal("", Spawned.Run(new SubprocessStartInfo("cat")).Output);

    [Fact]
    public void Input_Pipe_MayBeOpenedAsDevStdin()
    {
        SpawnedChild child = Spawned.Start(new SubprocessStartInfo("cat", "/dev/stdin"), Stdio.Pipe, Stdio.Pipe);
        Spawned.Write(child.InputWriteEnd!, "a real pipe");
        Assert.Equal("a real pipe", Spawned.ReadToEnd(child.OutputReadEnd!));
        Assert.Equal(0, Spawned.Reap(child));
    }

    [Fact]
    public void Input_Pipe_IsAtItsEndOnceWeCloseOurs()
    {
        // The child must not hold our write end itself.
        SpawnedChild child = Spawned.Start(new SubprocessStartInfo("cat"), Stdio.Pipe, Stdio.Pipe);
        child.InputWriteEnd!.Dispose();
        Assert.Equal("", Spawned.ReadToEnd(child.OutputReadEnd!));
        Assert.Equal(0, Spawned.Reap(child));
    }

    [Fact]
    public void Pipes_TheChildsEnds_Block()
    {
        const string NonBlocking = "04000";
        SpawnedChild child = Spawned.Start(new SubprocessStartInfo("cat", "/proc/self/fdinfo/0", "/proc/self/fdinfo/1", "/proc/self/fdinfo/2"), Stdio.Pipe, Stdio.Pipe, Stdio.Pipe);
        string[] flags = [.. Spawned.ReadToEnd(child.OutputReadEnd!).Split('\n').Where(line => line.StartsWith("flags:", StringComparison.Ordinal))];
        Assert.Equal(3, flags.Length);
        Assert.All(flags, line => Assert.Equal(0, Convert.ToInt32(line.Split('\t')[1], 8) & Convert.ToInt32(NonBlocking, 8)));
        Assert.Equal(0, Spawned.Reap(child));
    }

    [Fact]
    public void Input_File_IsRead()
    {
        string path = NewFile("in", "from a file");
        Assert.Equal("from a file", Spawned.Run(new SubprocessStartInfo("cat"), Stdio.File(path)).Output);
    }

    [Fact]
    public void Output_File_IsCreatedThenEmptiedOrAppended()
    {
        string path = Path.Combine(Folder, "out");
        foreach ((Stdio output, string after) in new[] { (Stdio.File(path), "1\n"), (Stdio.File(path), "1\n"), (Stdio.File(path, append: true), "1\n1\n") })
        {
            Assert.Equal(0, Spawned.Reap(Spawned.Start(new SubprocessStartInfo("echo", "1"), output: output)));
            Assert.Equal(after, File.ReadAllText(path));
        }
    }

    [Fact]
    public void Output_AppendedByTwo_IsNotOverwritten()
    {
        string path = Path.Combine(Folder, "log");
        Stdio log = Stdio.File(path, append: true);
        SubprocessStartInfo info = new("sh", "-c", "echo out; echo err >&2");
        Assert.Equal(0, Spawned.Reap(Spawned.Start(info, output: log, error: log)));
        Assert.Equal("out\nerr\n", File.ReadAllText(path));
    }

    [Fact]
    public void Error_AsOutput_GoesTheSameWay()
    {
        SubprocessStartInfo info = new("sh", "-c", "echo out; echo err >&2; echo out");
        Assert.Equal("out\nerr\nout\n", Spawned.Run(info, error: Stdio.AsOutput).Output);

        string path = Path.Combine(Folder, "both");
        Assert.Equal(0, Spawned.Reap(Spawned.Start(info, output: Stdio.File(path), error: Stdio.AsOutput)));
        Assert.Equal("out\nerr\nout\n", File.ReadAllText(path));
    }

    [Fact]
    public void Error_AsInheritedOutput_IsOurOutput()
    {
        SubprocessStartInfo info = new("sh", "-c", "[ /proc/self/fd/1 -ef /proc/self/fd/2 ]");
        Assert.Equal(0, Spawned.Reap(Spawned.Start(info, output: Stdio.Inherit, error: Stdio.AsOutput)));
    }

    [Fact]
    public void Error_Pipe_IsApartFromOutput()
    {
        SpawnedChild child = Spawned.Start(new SubprocessStartInfo("sh", "-c", "echo out; echo err >&2"), output: Stdio.Pipe, error: Stdio.Pipe);
        Assert.Equal("out\n", Spawned.ReadToEnd(child.OutputReadEnd!));
        Assert.Equal("err\n", Spawned.ReadToEnd(child.ErrorReadEnd!));
        Assert.Equal(0, Spawned.Reap(child));
    }

    [Fact]
    public void Streams_Descriptor_IsBorrowedForTheStartAlone()
    {
        string path = NewFile("data", "twice");
        using SafeFileHandle file = File.OpenHandle(path);
        Assert.Equal("twice", Spawned.Run(new SubprocessStartInfo("cat"), Stdio.Descriptor(file)).Output);
        Assert.False(file.IsClosed);
        Assert.Equal(FD_CLOEXEC, Libc.Fcntl((int)file.DangerousGetHandle(), F_GETFD).IntValue);
    }

    [Fact]
    public void PipeCapacity_IsRoundedUpByTheKernel()
    {
        SpawnedChild child = Spawned.Start(new SubprocessStartInfo("true") { PipeCapacity = 100_000 }, Stdio.Pipe, Stdio.Pipe, Stdio.Pipe);
        foreach (UnixHandle ours in new[] { child.InputWriteEnd!, child.OutputReadEnd!, child.ErrorReadEnd! })
            Assert.Equal(131_072, Libc.Fcntl(ours.Descriptor, F_GETPIPE_SZ).IntValue);
        Assert.Equal(0, Spawned.Reap(child));
    }

    [Fact]
    public void Rule13_PipeCapacity_LeftAlone_Is64KiB()
    {
        SpawnedChild child = Spawned.Start(new SubprocessStartInfo("true"), output: Stdio.Pipe);
        Assert.Equal(65_536, Libc.Fcntl(child.OutputReadEnd!.Descriptor, F_GETPIPE_SZ).IntValue);
        Assert.Equal(0, Spawned.Reap(child));
    }

    [Theory]
    [InlineData("no/such/file", "ENOENT: can't start 'true': can't open standard output ('no/such/file'): ")]
    [InlineData("/", "EISDIR: can't start 'true': can't open standard output ('/'): ")]
    public void Output_FileThatCannotBeOpened_IsNamed(string path, string message)
    {
        SubprocessStartException e = Assert.Throws<SubprocessStartException>(() => Spawned.Start(new SubprocessStartInfo("true"), Stdio.Pipe, Stdio.File(path), Stdio.Pipe));
        Assert.Equal(SubprocessStartError.Other, e.Reason);
        Assert.StartsWith(message, e.Message, StringComparison.Ordinal);
    }
}
