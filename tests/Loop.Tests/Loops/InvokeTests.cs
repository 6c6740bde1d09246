namespace UnixLoop.Loop.Tests.Loops;

public sealed class InvokeTests : LoopTest
{
    private static readonly AsyncLocal<string> Ambient = new();

    [Fact]
    public async Task InvokeAsync_Function_ReturnsItsResultFromTheLoop() =>
        Assert.True(await Loop.InvokeAsync(() => Loop.IsOnLoopThread).WaitAsync(TestTimeout));

    [Fact]
    public async Task InvokeAsync_AsyncLambda_ComesBackToTheLoopAfterEachAwait()
    {
        bool[] onLoop = await Loop.InvokeAsync(async () =>
        {
            bool before = Loop.IsOnLoopThread;
            await Task.Yield();
            bool yielded = Loop.IsOnLoopThread;
            await Task.Run(static () => { });
            return (bool[])[before, yielded, Loop.IsOnLoopThread];
        }).WaitAsync(TestTimeout);
        Assert.Equal([true, true, true], onLoop);
    }

    [Fact]
    public async Task InvokeAsync_AsyncLambdaWithoutResult_EndsWhenItsWorkHas()
    {
        TaskCompletionSource gate = NewSignal();
        Task invoked = Loop.InvokeAsync(async () => await gate.Task);
        await SettleAsync();
        Assert.False(invoked.IsCompleted);
        gate.SetResult();
        await invoked.WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task InvokeAsync_PlainCallback_DoesNotRunUnderTheLoopsContext() =>
        Assert.Null(await Loop.InvokeAsync(static () => SynchronizationContext.Current).WaitAsync(TestTimeout));

    [Fact]
    public async Task InvokeAsync_Throwing_GivesTheExceptionToTheCallerAlone()
    {
        await Assert.ThrowsAsync<InvalidTimeZoneException>(
            () => Loop.InvokeAsync(() => throw new InvalidTimeZoneException()).WaitAsync(TestTimeout));
        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => Loop.InvokeAsync(async () =>
        {
            await Task.Yield();
            throw new InvalidTimeZoneException();
        }).WaitAsync(TestTimeout));
        Assert.Equal(0, Loop.GetStatistics().UnhandledExceptions);
    }

    [Fact]
    public async Task InvokeAsync_FunctionReturningATask_IsRefused() =>
        await Assert.ThrowsAsync<ArgumentException>("callback", () => Loop.InvokeAsync(() => Task.CompletedTask).WaitAsync(TestTimeout));

    [Fact]
    public async Task InvokeAsync_CanceledWhileQueued_NeverRuns()
    {
        using var blocked = new ManualResetEventSlim();
        using var cancellation = new CancellationTokenSource();
        Loop.Post(blocked.Wait);
        bool ran = false;
        Task invoked = Loop.InvokeAsync(() => ran = true, cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => invoked.WaitAsync(TestTimeout));
        blocked.Set();
        await SettleAsync();
        Assert.False(ran);
    }

    [Fact]
    public async Task InvokeAsync_CanceledAfterItsTurn_ReturnsItsResult()
    {
        using var cancellation = new CancellationTokenSource();
        Assert.Equal(7, await Loop.InvokeAsync(() => { cancellation.Cancel(); return 7; }, cancellation.Token).WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task InvokeAsync_CanceledBefore_IsNotQueued()
    {
        long posts = Loop.GetStatistics().Posts;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Loop.InvokeAsync(() => { }, new CancellationToken(true)));
        Assert.Equal(posts, Loop.GetStatistics().Posts);
    }

    [Fact]
    public async Task InvokeAsync_AmbientState_FlowsToTheCallback()
    {
        Ambient.Value = "caller's";
        Assert.Equal("caller's", await Loop.InvokeAsync(static () => Ambient.Value).WaitAsync(TestTimeout));
        Ambient.Value = null!;
        Assert.Null(await Loop.InvokeAsync(static () => Ambient.Value).WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task InvokeAsync_RacingCancellation_EndsExactlyOnceEachWay()
    {
        for (int i = 0; i < 2_000; i++)
        {
            using var cancellation = new CancellationTokenSource();
            int ran = 0;
            Task invoked = Loop.InvokeAsync(() => { ran++; }, cancellation.Token);
            cancellation.Cancel();
            bool wasCanceled = false;
            try
            {
                await invoked.WaitAsync(TestTimeout);
            }
            catch (OperationCanceledException)
            {
                wasCanceled = true;
            }
            await SettleAsync();
            Assert.Equal(wasCanceled ? 0 : 1, ran);
        }
    }
}
