namespace UnixLoop.Loop.Tests.Subprocesses;

public class WaitTests : SubprocessTest
{
    [Fact]
    public async Task Wait_TenAtOnceAndOnceMoreAfterwards_AllGetTheSame()
    {
        await using ISubprocess child = await StartAsync(PipedShell("read x; exit 7"));
        Task<ChildExitStatus>[] waits = [.. Enumerable.Range(0, 10).Select(_ => ExitOf(child))];
        Assert.All(waits, wait => Assert.False(wait.IsCompleted));
        child.Input.Complete();
        Assert.All(await Task.WhenAll(waits), exit => Assert.Equal(7, exit.ReturnCode));
        Assert.Equal(7, (await ExitOf(child)).ExitCode);
    }

    [Fact]
    public async Task Wait_Cancelled_EndsThatWaitAlone()
    {
        await using ISubprocess child = await StartAsync(Sleep());
        using var cancel = new CancellationTokenSource();
        Task<ChildExitStatus> cancelled = child.WaitForExitAsync(cancel.Token);
        Task<ChildExitStatus> other = ExitOf(child);
        await cancel.CancelAsync();
        OperationCanceledException error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.WaitAsync(TestTimeout));
        Assert.Equal(cancel.Token, error.CancellationToken);
        Assert.Null(child.ExitStatus);
        child.Signal(UnixSignal.Term);
        Assert.Equal(-15, (await other).ReturnCode);
    }

    [Fact]
    public async Task Wait_GrandchildHoldsThePipes_DoesNotWaitForThem()
    {
        await using ISubprocess child = await StartAsync(PipedShell("sleep 1000 & echo $!"));
        await ExitOf(child);
        int grandchild = await ReadPidAsync(child);
        Assert.False(IsGone(grandchild));
        TestSupport.Interop.TestLibc.Kill(grandchild, 9);
        Assert.Empty(await ReadToEndAsync(child.Output));
    }

    [Fact]
    public async Task WaitAndDrain_EverythingEnds_IsNotTruncated()
    {
        await using ISubprocess child = await StartAsync(PipedShell("echo out; echo err >&2"));
        Task<string> output = ReadToEndAsync(child.Output);
        Task<string> error = ReadToEndAsync(child.Error);
        (ChildExitStatus exit, bool truncated) = await child.WaitForExitAndDrainAsync(TestTimeout).WaitAsync(TestTimeout);
        Assert.True(exit.IsSuccess);
        Assert.False(truncated);
        Assert.Equal("out\n", await output);
        Assert.Equal("err\n", await error);
    }

    [Fact]
    public async Task WaitAndDrain_NobodyReads_HasAllTheSame()
    {
        // The child's own output is taken in at its exit, whoever reads it later.
        await using ISubprocess child = await StartAsync(PipedShell("head -c 60000 /dev/zero"));
        (_, bool truncated) = await child.WaitForExitAndDrainAsync(TestTimeout).WaitAsync(TestTimeout);
        Assert.False(truncated);
        Assert.Equal(60000, (await ReadToEndAsync(child.Output)).Length);
    }

    [Fact]
    public async Task WaitAndDrain_GrandchildHoldsThePipe_CutsOffAtTheBound()
    {
        await using ISubprocess child = await StartAsync(PipedShell("sleep 1000 & echo $!"));
        (ChildExitStatus exit, bool truncated) = await child.WaitForExitAndDrainAsync(TimeSpan.FromMilliseconds(50)).WaitAsync(TestTimeout);
        Assert.True(exit.IsSuccess);
        Assert.True(truncated);
        // The pipes are closed; what had come is still there.
        int grandchild = int.Parse(await ReadToEndAsync(child.Output));
        TestSupport.Interop.TestLibc.Kill(grandchild, 9);
    }

    [Fact]
    public async Task WaitAndDrain_Cancelled_LeavesTheChild()
    {
        await using ISubprocess child = await StartAsync(Sleep());
        using var cancel = new CancellationTokenSource();
        Task wait = child.WaitForExitAndDrainAsync(TimeSpan.Zero, cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait.WaitAsync(TestTimeout));
        Assert.Null(child.ExitStatus);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => child.WaitForExitAndDrainAsync(TimeSpan.FromSeconds(-1)));
    }

    [Fact]
    public async Task Exit_BeforeTheEndOfOutput_ClosesNoPipe()
    {
        // 64 times 4 KiB, read only after the exit.
        await using ISubprocess child = await StartAsync(PipedShell("i=0; while [ $i -lt 64 ]; do head -c 4096 /dev/zero; i=$((i+1)); done"));
        await ExitOf(child);
        Assert.Equal(64 * 4096, (await ReadToEndAsync(child.Output)).Length);
    }

    [Theory]
    [InlineData("exit 0", 0, 0)]
    [InlineData("exit 255", 255, 255)]
    [InlineData("kill -KILL $$", -9, 137)]
    [InlineData("kill -TERM $$", -15, 143)]
    [InlineData("kill -HUP $$", -1, 129)]
    public async Task Exit_OfEachKind_HasBothNumbers(string script, int asyncio, int shell)
    {
        await using ISubprocess child = await StartAsync(Shell(script));
        ChildExitStatus exit = await ExitOf(child);
        Assert.Equal(asyncio, exit.ReturnCode);
        Assert.Equal(shell, exit.ShellExitCode);
    }
}
