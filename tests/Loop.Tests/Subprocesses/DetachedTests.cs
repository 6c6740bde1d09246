using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Loop.Tests.Subprocesses;

public sealed class DetachedTests : SubprocessTest
{
    private readonly HookedWatcher _hooks = new(new PidfdChildWatcher());

    protected override IChildWatcher CreateWatcher() => _hooks;

    [Fact]
    public async Task StartDetached_Child_HasASessionOfItsOwnAndNoStreams()
    {
        int pid = await DetachAsync(Sleep());
        ProcessEntry entry = ProcessEntry.Read(pid)!.Value;
        Assert.Equal((pid, pid), (entry.Session, entry.Group));
        for (int stream = 0; stream < 3; stream++)
            Assert.Equal("/dev/null", new FileInfo($"/proc/{pid}/fd/{stream}").LinkTarget);
        End(pid);
    }

    [Fact]
    public async Task StartDetached_DiesFirst_LeavesNoZombie()
    {
        int pid = await DetachAsync(Shell("exit 3"));
        Eventually.True(() => StateOf(pid) is null, "it is reaped");
    }

    [Fact]
    public async Task Dispose_OfTheFactory_LeavesItRunning()
    {
        int pid = await DetachAsync(Sleep());
        Assert.Empty(await Factory.StopAllAsync(TimeSpan.Zero).WaitAsync(TestTimeout));
        await Factory.DisposeAsync();
        Assert.False(IsGone(pid));
        End(pid);
        await Assert.ThrowsAsync<InvalidOperationException>(() => DetachAsync(Sleep()));
    }

    [Fact]
    public async Task WatcherAndLoop_EndFirst_LeaveItRunningWithoutAWarningAndItIsReaped()
    {
        int pid = await DetachAsync(Sleep());
        Watcher.Detach();
        Watcher.Dispose();
        await Loop.DisposeAsync();
        Assert.False(IsGone(pid));
        End(pid);
        Assert.DoesNotContain(Log.GetSnapshot(), record => record.Level >= Microsoft.Extensions.Logging.LogLevel.Warning);
    }

    [Fact]
    public async Task LoopAlone_EndsFirst_LeavesItRunningWithoutAWarningAndItIsReaped()
    {
        int pid = await DetachAsync(Sleep());
        await Loop.DisposeAsync();
        Assert.False(IsGone(pid));
        End(pid);
        Assert.DoesNotContain(Log.GetSnapshot(), record => record.Level >= Microsoft.Extensions.Logging.LogLevel.Warning);
    }

    [Fact]
    public async Task StartDetached_OnTheLoop_GoesOnThere()
    {
        (int pid, bool onLoop) = await Loop.InvokeAsync(async () => (await Factory.StartDetachedAsync(Sleep()), Loop.IsOnLoopThread)).WaitAsync(TestTimeout);
        Assert.True(onLoop);
        End(pid);
    }

    [Theory, InlineData("/bin/sleep"), InlineData("/no/such/program")]
    public async Task StartDetached_OnTheLoopWithoutItsContext_NeverContinuesOnTheLaunchThread(string program)
    {
        using var spawning = new SemaphoreSlim(0);
        _hooks.BeforeSpawn = () => Assert.True(spawning.Wait(TestTimeout));
        int pid = 0;
        bool elsewhere = await Loop.InvokeAsync(async () =>
        {
            try
            {
                ValueTask<int> start = Factory.StartDetachedAsync(new(program, "1000"));
                Assert.False(start.IsCompleted);
                Loop.Post(() => spawning.Release());
                pid = await start.ConfigureAwait(false);
            }
            catch (SubprocessStartException)
            {
            }
            return !LaunchThread.IsCurrent && !Loop.IsOnLoopThread;
        }).WaitAsync(TestTimeout);
        Assert.True(elsewhere);
        if (pid != 0)
            End(pid);
    }

    [Fact]
    public async Task StartDetached_Files_AreItsStreams()
    {
        string path = Path.GetTempFileName();
        SubprocessStartInfo info = Shell("echo out; echo err >&2");
        info.Output = Stdio.File(path);
        info.Error = Stdio.AsOutput;
        await DetachAsync(info);
        Eventually.True(() => File.ReadAllText(path) == "out\nerr\n", "it has written");
        Assert.Equal(ProcessGroup.Default, info.ProcessGroup);
        File.Delete(path);
    }

    [Fact]
    public async Task WatchProcess_OfADetachedChild_TellsItsEnd()
    {
        int pid = await DetachAsync(Sleep());
        using IWatchedProcess process = Factory.WatchProcess(pid);
        Assert.True(process.Signal(UnixSignal.Term));
        ChildExitStatus exit = await process.WaitForExitAsync().WaitAsync(TestTimeout);
        Assert.True(exit.Signal == UnixSignal.Term || Environment.OSVersion.Version < new Version(6, 15), $"{exit}");
    }

    [Fact]
    public async Task StartDetached_WhatContradicts_IsRefusedByName()
    {
        await RefusedAsync(new("cat") { Input = Stdio.Pipe }, "Input is 'pipe'");
        await RefusedAsync(new("cat") { Error = Stdio.Pipe }, "Error is 'pipe'");
        await RefusedAsync(new("cat") { Output = Stdio.Pty() }, "Output is 'terminal");
        await RefusedAsync(new("cat") { ProcessGroup = ProcessGroup.Inherit }, "ProcessGroup is 'Inherit'");
        await RefusedAsync(new("cat") { Attributes = new() { ParentDeathSignal = UnixSignal.Kill } }, "ParentDeathSignal is 'SIGKILL'");
    }

    private Task<int> DetachAsync(SubprocessStartInfo info) => Factory.StartDetachedAsync(info).AsTask().WaitAsync(TestTimeout);

    private async Task RefusedAsync(SubprocessStartInfo info, string text) =>
        Assert.Contains(text, (await Assert.ThrowsAsync<ArgumentException>(() => DetachAsync(info))).Message, StringComparison.Ordinal);

    private static void End(int pid)
    {
        TestLibc.Kill(pid, 9);
        Eventually.True(() => StateOf(pid) is null, "it is reaped");
    }
}
