namespace UnixLoop.Loop.Tests.Subprocesses;

public class RunCancelTests : SubprocessTest
{
    private static readonly SubprocessRunOptions Hasty = new() { StopGrace = TimeSpan.Zero };

    [Fact]
    public async Task Cancel_WhileTheChildRuns_EndsItByTheLadderAndThrowsWithThatToken()
    {
        using var cancel = new CancellationTokenSource();
        string file = Path.GetTempFileName();
        Task<SubprocessResult> run = RunAsync(Shell("trap 'echo term >> $1; exit 0' TERM; echo $$ > $1; while :; do sleep 0.01; done", file), cancellationToken: cancel.Token);
        Eventually.True(() => File.ReadAllText(file).EndsWith('\n'), "the child runs");
        await cancel.CancelAsync();
        OperationCanceledException error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.Equal(cancel.Token, error.CancellationToken);
        string[] lines = await File.ReadAllLinesAsync(file);
        Assert.Equal("term", lines[1]);
        Assert.Null(StateOf(int.Parse(lines[0]))); // reaped before it threw
        File.Delete(file);
    }

    [Fact]
    public async Task Cancel_StubbornChild_KillsAfterTheGrace()
    {
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            RunAsync(Shell("trap '' TERM; while :; do sleep 0.01; done"), new() { StopGrace = TimeSpan.FromMilliseconds(50) }, cancel.Token));
    }

    [Fact]
    public async Task Cancel_DuringTheDrain_DoesNotWaitForTheBound()
    {
        using var cancel = new CancellationTokenSource();
        string file = Path.GetTempFileName();
        Task<SubprocessResult> run = RunAsync(Shell("sleep 1000 & echo $! > $1", file), new() { DrainBound = TimeSpan.FromDays(1) }, cancel.Token);
        Eventually.True(() => File.ReadAllText(file).EndsWith('\n'), "the grandchild runs");
        int grandchild = int.Parse(await File.ReadAllTextAsync(file));
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        if (!IsGone(grandchild))
            TestSupport.Interop.TestLibc.Kill(grandchild, 9);
        File.Delete(file);
    }

    [Fact]
    public async Task Cancel_WhileItsInputIsBlocked_EndsTheRun()
    {
        using var cancel = new CancellationTokenSource();
        SubprocessRunOptions options = new() { StopGrace = TimeSpan.Zero, Input = SubprocessInput.FromStream(new MemoryStream(new byte[3_000_000])) };
        Task<SubprocessResult> run = RunAsync(Sleep(), options, cancel.Token);
        await SettleAsync();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    [Fact]
    public async Task Cancel_AtAnyTime_IsAResultOrACancellationAndLeavesNothing()
    {
        int cancelled = 0;
        for (int i = 0; i < 100; i++)
        {
            using var cancel = new CancellationTokenSource();
            Task<SubprocessResult> run = RunAsync(new("/bin/echo", "x"), Hasty, cancel.Token);
            await Task.Run(() => Thread.SpinWait(i * 500));
            await cancel.CancelAsync();
            try
            {
                Assert.Equal("x\n", (await run).Output);
            }
            catch (OperationCanceledException e)
            {
                Assert.Equal(cancel.Token, e.CancellationToken);
                cancelled++;
            }
        }
        Assert.InRange(cancelled, 0, 100);
    }

    [Fact]
    public async Task Cancel_AfterTheEnd_ChangesNothing()
    {
        using var cancel = new CancellationTokenSource();
        SubprocessResult result = await RunAsync(new("/bin/echo", "x"), cancellationToken: cancel.Token);
        await cancel.CancelAsync();
        Assert.Equal("x\n", result.EnsureSuccess().Output);
    }
}
