using System.IO.Pipelines;
using System.Runtime.InteropServices;
using System.Text;
using UnixLoop.Interop;
using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.TestSupport.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Process.Tests.Pipes;

/// <summary>The standard streams of a process of its own; the test holds the same descriptions, as a sibling would.</summary>
public sealed class StdioTests : IAsyncLifetime
{
    private readonly LeakCheck _leaks = new();
    private readonly UnixEventLoop _loop = new();
    private readonly PidfdChildWatcher _watcher = new();
    private readonly List<SafeHandle> _siblings = [];
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("stdio-");
    private SubprocessFactory _factory = null!;

    public async ValueTask InitializeAsync()
    {
        await _loop.StartAsync().WaitAsync(TestTimeout);
        _watcher.Attach(_loop);
        _factory = new SubprocessFactory(_loop, _watcher);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (SafeHandle sibling in _siblings)
            sibling.Dispose();
        await _factory.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        await _loop.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        _watcher.Dispose();
        _folder.Delete(recursive: true);
        _leaks.Dispose();
    }

    [Theory]
    [InlineData("pipe", false)]
    [InlineData("pipe", true)]
    [InlineData("socket", false)]
    [InlineData("socket", true)]
    [InlineData("terminal", false)]
    [InlineData("terminal", true)]
    public async Task Rule20_StandardStreams_KeepTheirFlagsForASibling(string kind, bool killed)
    {
        (ReadPipe shown, WritePipe typed) = NewStreams(kind, out SafeHandle[] streams);
        await using ReadPipe _ = shown;
        await using WritePipe __ = typed;
        await using ISubprocess process = await StartAsync(StdioScenarios.EchoAsync, streams);
        string said = await ReadUntilAsync(shown.Input, "ready");
        Assert.DoesNotContain("thread", said, StringComparison.Ordinal); // a description of our own, on the loop
        await typed.Output.WriteAsync("hello\n"u8.ToArray());
        await ReadUntilAsync(shown.Input, "hello");
        AssertBlocking();
        if (killed)
            process.Signal(UnixSignal.Kill);
        else if (kind == "terminal")
            await typed.Output.WriteAsync("\x04"u8.ToArray()); // Ctrl-D
        else
            await typed.Output.CompleteAsync();
        ChildExitStatus exit = await process.WaitForExitAsync().WaitAsync(TestTimeout);
        Assert.Equal(killed ? -9 : 0, exit.ReturnCode);
        AssertBlocking();
    }

    [Theory, InlineData("pipe"), InlineData("socket"), InlineData("terminal")]
    public async Task Rule20_SilentInput_DoesNotHoldUpTheEnd(string kind)
    {
        (ReadPipe shown, WritePipe typed) = NewStreams(kind, out SafeHandle[] streams);
        await using ReadPipe _ = shown;
        await using WritePipe __ = typed;
        await using ISubprocess process = await StartAsync(StdioScenarios.LeaveAsync, streams);
        await ReadUntilAsync(shown.Input, "waits");
        Assert.Equal(0, (await process.WaitForExitAsync().WaitAsync(TestTimeout)).ReturnCode);
    }

    [Fact]
    public async Task Rule20_PipesOfAnotherUser_AreServedByAThread()
    {
        Requires.Root();
        using OpenFolder folder = new();
        (ReadPipe shown, WritePipe typed) = NewStreams("pipe", out SafeHandle[] streams);
        await using ReadPipe _ = shown;
        await using WritePipe __ = typed;
        string[] asNobody = [Requires.Tool("setpriv"), "--reuid", "65534", "--regid", "65534", "--clear-groups"];
        await using ISubprocess process = await StartAsync(StdioScenarios.EchoAsync, streams, asNobody, folder.Name);
        string said = await ReadUntilAsync(shown.Input, "ready");
        Assert.Matches(@"standard input \(descriptor \d+, Reading, thread\); WritePipe: standard output \(descriptor \d+, Writing, thread\)", said);
        // More than the thread reads, or the pipe takes, at once.
        byte[] data = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 20_000).Select(i => $"{i:00000}\n")));
        Task writing = Task.Run(async () =>
        {
            await typed.Output.WriteAsync(data);
            await typed.Output.CompleteAsync();
        });
        string echo = await ReadUntilAsync(shown.Input, "19999\n");
        string sent = Encoding.ASCII.GetString(data);
        int same = sent.Zip(echo).TakeWhile(pair => pair.First == pair.Second).Count();
        Assert.True(echo.StartsWith(sent, StringComparison.Ordinal), $"{echo.Length} of {sent.Length} bytes; the first {same} are right, then: {echo[same..Math.Min(echo.Length, same + 60)]}");
        await writing.WaitAsync(TestTimeout);
        AssertBlocking();
        Assert.Equal(0, (await process.WaitForExitAsync().WaitAsync(TestTimeout)).ReturnCode);
        AssertBlocking();
    }

    [Fact]
    public async Task Rule20_FilesAndNull_AreReadAndWrittenOnThePool()
    {
        string file = Path.Combine(_folder.FullName, "input"), copy = Path.Combine(_folder.FullName, "output");
        await File.WriteAllTextAsync(file, new string('f', 300_000) + "last");
        SubprocessStartInfo info = Command(StdioScenarios.EchoAsync);
        (info.Input, info.Output, info.Error) = (Stdio.File(file), Stdio.File(copy), Stdio.Null);
        Assert.Equal(0, (await _factory.RunAsync(info).WaitAsync(TestTimeout)).Exit.ReturnCode);
        string output = await File.ReadAllTextAsync(copy);
        Assert.Contains("thread pool", output, StringComparison.Ordinal);
        Assert.EndsWith(new string('f', 300_000) + "last", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rule20_FifoWhoseWriterHasGone_GivesWhatIsLeftAndTheEnd()
    {
        string path = Path.Combine(_folder.FullName, "fifo");
        TestLibc.MakeFifo(path);
        UnixHandle fifo = Sibling(PosixError.ThrowIfError(Libc.Open(path, O_RDONLY | O_NONBLOCK), "openat"));
        PosixError.ThrowIfError(Libc.Fcntl(fifo.Descriptor, F_SETFL, 0), "fcntl");
        using (UnixHandle writer = new(PosixError.ThrowIfError(Libc.Open(path, O_WRONLY), "openat")))
            Libc.Write(writer.Descriptor, "left behind"u8);
        SubprocessStartInfo info = Command(StdioScenarios.EchoAsync);
        info.Input = Stdio.Descriptor(fifo);
        SubprocessResult result = await _factory.RunAsync(info).WaitAsync(TestTimeout);
        Assert.EndsWith("left behind", result.Output, StringComparison.Ordinal);
        Assert.Equal("end of input\n", result.Error);
    }

    [Theory]
    [InlineData("exec \"$0\" \"$@\" 0>/dev/null", "standard input (descriptor 0) is not open for reading")]
    [InlineData("exec \"$0\" \"$@\" </", "standard input (descriptor 0) is a directory")]
    public async Task OpenStandardInput_NotReadable_SaysWhy(string script, string says)
    {
        SubprocessStartInfo info = new("/bin/sh", ["-c", script, .. CommandLine(StdioScenarios.LeaveAsync)]);
        SubprocessResult result = await _factory.RunAsync(info).WaitAsync(TestTimeout);
        Assert.Equal(Scenario.Failed, result.Exit.ExitCode);
        Assert.Contains(says, result.Error, StringComparison.Ordinal);
    }

    /// <summary>The test's own ends, and the child's: standard input, output and error.</summary>
    private (ReadPipe Shown, WritePipe Typed) NewStreams(string kind, out SafeHandle[] streams)
    {
        if (kind == "terminal")
        {
            var master = new UnixHandle(PosixError.ThrowIfError(Libc.Open("/dev/ptmx", O_RDWR | O_NONBLOCK), "openat"));
            PosixError.ThrowIfError(Libc.UnlockPeer(master.Descriptor), "ioctl");
            UnixHandle slave = Sibling(PosixError.ThrowIfError(Libc.OpenPeer(master.Descriptor), "ioctl"));
            streams = [slave, slave, slave];
            var again = new UnixHandle(PosixError.ThrowIfError(Libc.Fcntl(master.Descriptor, F_DUPFD_CLOEXEC), "fcntl"));
            return (ReadPipe.FromHandle(_loop, master), WritePipe.FromHandle(_loop, again));
        }
        if (kind == "socket")
        {
            (UnixHandle input, UnixHandle typed) = NewSockets();
            (UnixHandle output, UnixHandle shown) = NewSockets();
            streams = [input, output, output];
            return (ReadPipe.FromHandle(_loop, shown), WritePipe.FromHandle(_loop, typed));
        }
        PosixError.ThrowIfError(Libc.Pipe(out int inputRead, out int inputWrite), "pipe2");
        PosixError.ThrowIfError(Libc.Pipe(out int outputRead, out int outputWrite), "pipe2");
        UnixHandle stdin = Sibling(inputRead), stdout = Sibling(outputWrite);
        streams = [stdin, stdout, stdout];
        return (ReadPipe.FromHandle(_loop, new UnixHandle(outputRead)), WritePipe.FromHandle(_loop, new UnixHandle(inputWrite)));
    }

    private (UnixHandle Theirs, UnixHandle Ours) NewSockets()
    {
        PosixError.ThrowIfError(Libc.UnixSocketPair(SOCK_STREAM, out int theirs, out int ours), "socketpair");
        PosixError.ThrowIfError(Libc.Fcntl(theirs, F_SETFL, 0), "fcntl");
        return (Sibling(theirs), new UnixHandle(ours));
    }

    private UnixHandle Sibling(int descriptor)
    {
        var handle = new UnixHandle(descriptor);
        _siblings.Add(handle);
        return handle;
    }

    private void AssertBlocking() => Assert.All(_siblings, sibling => Assert.False(TestLibc.IsNonBlocking(sibling)));

    private async Task<ISubprocess> StartAsync(Func<string[], Task> scenario, SafeHandle[] streams, string[]? via = null, string? folder = null)
    {
        SubprocessStartInfo info = Command(scenario, via, folder);
        (info.Input, info.Output, info.Error) = (Stdio.Descriptor(streams[0]), Stdio.Descriptor(streams[1]), Stdio.Descriptor(streams[2]));
        return await _factory.StartAsync(info).AsTask().WaitAsync(TestTimeout);
    }

    private static SubprocessStartInfo Command(Func<string[], Task> scenario, string[]? via = null, string? folder = null)
    {
        string[] command = [.. via ?? [], .. CommandLine(scenario, folder)];
        return new(command[0], command[1..]);
    }

    private static string[] CommandLine(Func<string[], Task> scenario, string? folder = null) =>
    [
        Path.Combine(folder ?? AppContext.BaseDirectory, typeof(StdioTests).Assembly.GetName().Name!),
        Program.ScenarioSwitch, scenario.Method.DeclaringType!.FullName!, scenario.Method.Name,
    ];

    private static async Task<string> ReadUntilAsync(PipeReader reader, string text)
    {
        var said = new StringBuilder();
        while (!said.ToString().Contains(text, StringComparison.Ordinal))
        {
            ReadResult read = await reader.ReadAsync().AsTask().WaitAsync(TestTimeout);
            Assert.False(read.IsCompleted && read.Buffer.IsEmpty, $"no '{text}' in: {said}");
            foreach (ReadOnlyMemory<byte> segment in read.Buffer)
                said.Append(Encoding.ASCII.GetString(segment.Span));
            reader.AdvanceTo(read.Buffer.End);
        }
        return said.ToString();
    }
}
