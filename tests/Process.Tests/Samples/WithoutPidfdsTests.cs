using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Process.Tests.Samples;

/// <summary>The worker where pidfd_open(2) is refused, as by a container's seccomp filter (linux.md, rule 7): strace refuses it here.</summary>
public sealed class WithoutPidfdsTests : IDisposable
{
    private const int SIGTERM = 15;

    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Theory]
    [InlineData("EPERM")]
    [InlineData("ENOSYS")]
    public async Task Rule07_Host_ChoosesThreadsAndLogsTheReason(string errno)
    {
        await using SampleProgram strace = Start(errno);
        strace.Expect($"Children are watched by ThreadedChildWatcher: pidfds can't be used here: {errno}: pidfd_open: ");
        strace.Expect("tick 2");
        TestLibc.Kill(Assert.Single(ProcFiles.ChildrenOf(strace.Id)), SIGTERM);
        Assert.Equal(0, await strace.WaitForExitAsync());
        strace.Expect("Stopping 2 jobs");
    }

    [Fact]
    public async Task Rule07_RunCommand_TellsTheExitAllTheSame()
    {
        await using SampleProgram strace = Start("EPERM", "run", "sh", "-c", "exit 7");
        Assert.Equal(7, await strace.WaitForExitAsync());
    }

    private static SampleProgram Start(string errno, params string[] arguments) => SampleProgram.Start(
        Requires.Tool("strace"), ["-f", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=pidfd_open", "-e", $"inject=pidfd_open:error={errno}", SampleProgram.PathOf("WorkerApp"), .. arguments]);
}
