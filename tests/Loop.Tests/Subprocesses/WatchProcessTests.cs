using Microsoft.Extensions.Time.Testing;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Loop.Tests.Subprocesses;

public sealed class WatchProcessTests : SubprocessTest
{
    /// <summary>Says the pid of a child that nobody reaps.</summary>
    private const string Neglected = "sleep 1000 & echo $!; exec sleep 1000";

    private static async Task<int> ReadNeglectedAsync(ISubprocess parent)
    {
        int stranger = await ReadPidAsync(parent);
        // Until its exec the shell may reap what dies.
        Eventually.True(() => File.ReadAllText($"/proc/{parent.Id}/comm") == "sleep\n", "the shell has become a program that reaps nobody");
        return stranger;
    }

    [Fact]
    public async Task Wait_OfAStrangerThatItsParentReaps_TellsTheStatus()
    {
        Requires.Kernel(6, 15);
        await using ISubprocess parent = await StartAsync(PipedShell("exec 3<&0; sh -c 'read x; exit 7' <&3 & echo $!; wait"));
        int stranger = await ReadPidAsync(parent);
        // Its time stands still: however long the parent takes to reap it, the status is waited for.
        await using UnixEventLoop patient = new(new() { TimeProvider = new FakeTimeProvider() });
        await patient.StartAsync().WaitAsync(TestTimeout);
        using PidfdChildWatcher watcher = new();
        watcher.Attach(patient);
        await using SubprocessFactory factory = new(patient, watcher);
        using IWatchedProcess process = factory.WatchProcess(stranger);
        Task<ChildExitStatus> exited = process.WaitForExitAsync();
        Assert.False(exited.IsCompleted);
        await parent.Input.CompleteAsync();
        Assert.Equal(7, (await exited.WaitAsync(TestTimeout)).ExitCode);
        Assert.Equal(7, (await process.WaitForExitAsync()).ExitCode);
        Assert.False(process.Signal(UnixSignal.Term));
    }

    [Fact]
    public async Task Wait_OfAStrangerThatNobodyReaps_TellsTheEndWithoutAStatus()
    {
        await using ISubprocess parent = await StartAsync(PipedShell(Neglected));
        int stranger = await ReadNeglectedAsync(parent);
        using IWatchedProcess process = Factory.WatchProcess(stranger);
        Assert.Equal(stranger, process.Id);
        Task<ChildExitStatus> exited = process.WaitForExitAsync();
        Assert.True(process.Signal(UnixSignal.Kill));
        Assert.Equal(ChildExitKind.Unknown, (await exited.WaitAsync(TestTimeout)).Kind);
        Assert.Equal('Z', StateOf(stranger));
    }

    [Fact]
    public async Task Wait_OfAZombie_EndsAtOnce()
    {
        await using ISubprocess parent = await StartAsync(PipedShell(Neglected));
        int stranger = await ReadNeglectedAsync(parent);
        TestLibc.Kill(stranger, 9);
        Eventually.True(() => StateOf(stranger) == 'Z', "it is dead");
        using IWatchedProcess process = Factory.WatchProcess(stranger);
        Assert.Equal(ChildExitKind.Unknown, (await process.WaitForExitAsync().WaitAsync(TestTimeout)).Kind);
    }

    [Fact]
    public async Task Wait_OfAChildOfOurs_TellsItsStatusAndLeavesItToItsWatcher()
    {
        await using ISubprocess child = await StartAsync(PipedShell("read x; exit 5"));
        using IWatchedProcess process = Factory.WatchProcess(child.Id);
        await child.Input.CompleteAsync();
        ChildExitStatus seen = await process.WaitForExitAsync().WaitAsync(TestTimeout);
        Assert.Equal(5, (await ExitOf(child)).ExitCode);
        // The watcher may have reaped it before we looked; then the kernel tells, if it can.
        Assert.True(seen.ExitCode == 5 || Environment.OSVersion.Version < new Version(6, 15), $"{seen}");
    }

    [Fact]
    public async Task Wait_WithToken_EndsTheWaitAlone()
    {
        await using ISubprocess child = await StartAsync(Sleep());
        using IWatchedProcess process = Factory.WatchProcess(child.Id);
        using var cancel = new CancellationTokenSource();
        Task<ChildExitStatus> first = process.WaitForExitAsync(cancel.Token);
        Task<ChildExitStatus> second = process.WaitForExitAsync();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        child.Signal(UnixSignal.Kill);
        await second.WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Signal_AfterTheNumberHasPassedOn_HitsNobody()
    {
        await using ISubprocess child = await StartAsync(Sleep());
        using IWatchedProcess process = Factory.WatchProcess(child.Id);
        child.Signal(UnixSignal.Kill);
        await ExitOf(child);
        Assert.False(process.Signal(UnixSignal.Kill)); // by the pidfd: whether told of the end already or not
        await process.WaitForExitAsync().WaitAsync(TestTimeout);
        Assert.False(process.Signal(UnixSignal.Kill));
    }

    [Fact]
    public async Task Dispose_WhileItRuns_LeavesItAloneAndEndsTheWait()
    {
        await using ISubprocess child = await StartAsync(Sleep());
        IWatchedProcess process = Factory.WatchProcess(child.Id);
        Task<ChildExitStatus> exited = process.WaitForExitAsync();
        process.Dispose();
        process.Dispose();
        Assert.Contains($"Process {child.Id} was disposed", (await Assert.ThrowsAsync<ObjectDisposedException>(() => exited)).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => process.WaitForExitAsync());
        Assert.Throws<ObjectDisposedException>(() => process.Signal(UnixSignal.Term));
        Assert.Null(child.ExitStatus);
    }

    [Fact]
    public async Task LoopEnds_WhileItRuns_EndsTheWait()
    {
        await using ISubprocess parent = await StartAsync(PipedShell("sleep 1000 >/dev/null 2>&1 & echo $!"));
        int stranger = await ReadPidAsync(parent);
        await ExitOf(parent);
        using IWatchedProcess process = Factory.WatchProcess(stranger);
        Task<ChildExitStatus> exited = process.WaitForExitAsync();
        await Loop.DisposeAsync();
        Assert.Contains("when the loop ended", (await Assert.ThrowsAsync<ObjectDisposedException>(() => exited)).Message, StringComparison.Ordinal);
        TestLibc.Kill(stranger, 9);
        await Assert.ThrowsAsync<InvalidOperationException>(() => Task.FromResult(Factory.WatchProcess(1)));
    }

    [Fact]
    public async Task Watch_OfWhatIsNoProcess_IsRefusedByName()
    {
        await using ISubprocess child = await StartAsync(new("/bin/true"));
        await ExitOf(child);
        Assert.StartsWith($"ESRCH: there is no process {child.Id}", Assert.Throws<ArgumentException>(() => Factory.WatchProcess(child.Id)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => Factory.WatchProcess(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Factory.WatchProcess(-1));
        string thread = Directory.EnumerateDirectories("/proc/self/task").Select(Path.GetFileName).First(id => id != $"{Environment.ProcessId}")!;
        Assert.Contains("is a thread of a process", Assert.Throws<ArgumentException>(() => Factory.WatchProcess(int.Parse(thread, System.Globalization.CultureInfo.InvariantCulture))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Watch_OfOurselves_Works()
    {
        using IWatchedProcess self = Factory.WatchProcess(Environment.ProcessId);
        Assert.True(self.Signal(UnixSignal.Winch));
    }

    [Fact]
    public async Task Watch_TwiceTheSame_BothAreTold()
    {
        await using ISubprocess child = await StartAsync(Sleep());
        using IWatchedProcess first = Factory.WatchProcess(child.Id), second = Factory.WatchProcess(child.Id);
        child.Signal(UnixSignal.Kill);
        await first.WaitForExitAsync().WaitAsync(TestTimeout);
        await second.WaitForExitAsync().WaitAsync(TestTimeout);
    }
}
