using System.Runtime.InteropServices;
using UnixLoop.Interop;

namespace UnixLoop.Loop.Tests.Subprocesses;

/// <summary>Starts that wait in open(2), for a FIFO's other end: they hold nobody else, and can be cancelled.</summary>
public sealed class PatientStartTests : SubprocessTest
{
    private static readonly string OpenAt = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "56 " : "257 "; // asm-generic/unistd.h, asm/unistd_64.h

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fifo");
    private string _fifo = "", _ran = "";

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _fifo = Path.Combine(_folder.FullName, "fifo");
        _ran = Path.Combine(_folder.FullName, "ran");
        Assert.Equal(0, (await RunAsync(new SubprocessStartInfo(Requires.Tool("mkfifo"), _fifo))).Exit.ExitCode);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Start_OnTheLoop_HoldsNoOtherStart()
    {
        Task<ISubprocess> patient = null!;
        await Loop.InvokeAsync(async () =>
        {
            patient = Factory.StartAsync(WritesToFifo()).AsTask();
            // Queued at once: before the patient one could count as slow.
            await using ISubprocess other = await Factory.StartAsync(new SubprocessStartInfo("/bin/true"));
            await other.WaitForExitAsync();
        }).WaitAsync(TestTimeout);
        Assert.False(patient.IsCompleted);

        Assert.Equal("through the fifo\n", await File.ReadAllTextAsync(_fifo).WaitAsync(TestTimeout));
        await using ISubprocess child = await patient.WaitAsync(TestTimeout);
        Assert.Equal(0, (await ExitOf(child)).ExitCode);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Start_OffTheLoop_DoesNotHoldItsCaller(bool startOnLoop)
    {
        Factory.StartOnLoop = startOnLoop;
        Task<ISubprocess> patient = Factory.StartAsync(new SubprocessStartInfo("/bin/cat") { Input = Stdio.File(_fifo), Output = Stdio.Pipe }).AsTask();
        Assert.False(patient.IsCompleted);
        await File.WriteAllTextAsync(_fifo, "into the fifo").WaitAsync(TestTimeout);
        await using ISubprocess child = await patient.WaitAsync(TestTimeout);
        Assert.Equal("into the fifo", await ReadToEndAsync(child.Output));
        Assert.Equal(0, (await ExitOf(child)).ExitCode);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Pipeline_MemberWaits_HoldsNoOtherMember(bool onLoop)
    {
        SubprocessPipeline pipeline = new(new("/bin/cat") { Input = Stdio.File(_fifo) }, new("/bin/sh", "-c", $"touch {_ran}; exec cat"));
        Task<SubprocessResult> run = null!;
        if (onLoop)
            await Loop.InvokeAsync(() => { run = Factory.RunAsync(pipeline); }).WaitAsync(TestTimeout);
        else
            run = Factory.RunAsync(pipeline);
        Eventually.True(() => File.Exists(_ran), "the second member runs");
        await File.WriteAllTextAsync(_fifo, "through both").WaitAsync(TestTimeout);
        Assert.Equal("through both", (await run.WaitAsync(TestTimeout)).EnsureSuccess().Output);
    }

    [Fact]
    public async Task Pipeline_AnotherMemberCanNotBeStarted_NobodyWaits()
    {
        SubprocessPipeline pipeline = new(new("/bin/cat") { Input = Stdio.File(_fifo) }, new("/bin/cat"), new("/not/there"));
        SubprocessStartException error = await Assert.ThrowsAsync<SubprocessStartException>(() => Factory.RunAsync(pipeline).WaitAsync(TestTimeout));
        Assert.Contains("(3 of 3 in '", error.Message, StringComparison.Ordinal);
        Eventually.True(() => Openers() == 0, "the thread has gone");
    }

    [Fact]
    public async Task Pipeline_CancelledWhileAMemberWaits_StartsNothing()
    {
        using var cancel = new CancellationTokenSource();
        SubprocessPipeline pipeline = new(new("/bin/cat") { Input = Stdio.File(_fifo) }, new("/bin/cat"));
        Task<SubprocessResult> run = Factory.RunAsync(pipeline, cancellationToken: cancel.Token);
        Eventually.True(() => Openers() == 1, "the thread is there");
        await cancel.CancelAsync();
        OperationCanceledException error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.WaitAsync(TestTimeout));
        Assert.Equal(cancel.Token, error.CancellationToken);
        Eventually.True(() => Openers() == 0, "the thread has gone");
    }

    [Fact]
    public async Task Cancel_WhileItWaits_StartsNothingAndLeavesNoThread()
    {
        using var cancel = new CancellationTokenSource();
        Task<ISubprocess> patient = Factory.StartAsync(WritesToFifo(), cancel.Token).AsTask();
        Eventually.True(() => Openers() == 1, "the thread is there");
        await cancel.CancelAsync();
        OperationCanceledException error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => patient.WaitAsync(TestTimeout));
        Assert.Equal(cancel.Token, error.CancellationToken);
        Eventually.True(() => Openers() == 0, "the thread has gone");
        Assert.False(File.Exists(_ran));
    }

    [Fact]
    public async Task Cancel_OfARun_StartsNothing()
    {
        using var cancel = new CancellationTokenSource();
        SubprocessStartInfo info = new("/bin/sh", "-c", $"touch {_ran}") { Input = Stdio.File(_fifo) };
        Task<SubprocessResult> patient = Factory.RunAsync(info, cancellationToken: cancel.Token);
        Eventually.True(() => Openers() == 1, "the thread is there");
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => patient.WaitAsync(TestTimeout));
        Assert.False(File.Exists(_ran));
    }

    [Fact]
    public async Task Cancel_OfAFifoThatWeMayNotOpen_EndsTheCallAndStartsNothingLater()
    {
        using var cancel = new CancellationTokenSource();
        Task<ISubprocess> patient = Factory.StartAsync(WritesToFifo(), cancel.Token).AsTask();
        Eventually.True(() => Openers() == 1, "it waits in openat(2)");
        string moved = _fifo + "-moved"; // as good as a permission that we lack, which root never does
        File.Move(_fifo, moved);
        Directory.CreateDirectory(_fifo);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => patient.WaitAsync(TestTimeout));

        Directory.Delete(_fifo);
        Task<string> reading = File.ReadAllTextAsync(moved);
        Assert.Equal("", await reading.WaitAsync(TestTimeout));
        Eventually.True(() => Openers() == 0, "the thread has gone");
        Assert.False(File.Exists(_ran));
    }

    [Fact]
    public async Task FileType_OfPlainFilesAndNothing_IsNoReasonToWait()
    {
        File.WriteAllText(_ran, "");
        Assert.False(PatientStart(Stdio.File(_ran)));
        Assert.False(PatientStart(Stdio.File(_folder.FullName)));
        Assert.False(PatientStart(Stdio.File(_ran + "-not")));
        Assert.False(PatientStart(Stdio.Pipe));
        Assert.True(PatientStart(Stdio.File(_fifo)));
        Assert.True(PatientStart(Stdio.File("/dev/tty")));
        Assert.Equal(Tmds.Linux.LibC.ENOTDIR, Libc.FileType(_ran + "/x").Errno);
        await SettleAsync();
    }

    private static bool PatientStart(Stdio stream) => UnixLoop.Subprocesses.PatientStart.IsNeededFor(new(Stdio.Null, stream, Stdio.Null));

    private SubprocessStartInfo WritesToFifo() =>
        new("/bin/sh", "-c", $"touch {_ran}; echo through the fifo") { Output = Stdio.File(_fifo) };

    /// <summary>Threads of such starts that wait in openat(2). The name alone tells nothing: threads that the runtime makes meanwhile inherit it.</summary>
    private static int Openers() => Directory.EnumerateDirectories("/proc/self/task").ToArray().Count(task =>
    {
        try
        {
            return File.ReadAllText($"{task}/comm").Trim() == "unix-open" && File.ReadAllText($"{task}/syscall").StartsWith(OpenAt, StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    });
}
