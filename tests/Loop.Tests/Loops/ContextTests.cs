using System.IO.Pipelines;

namespace UnixLoop.Loop.Tests.Loops;

public sealed class ContextTests : LoopTest
{
    [Fact]
    public async Task Current_OnAndOffTheLoop_IsTheLoopOrNull()
    {
        Assert.Null(UnixEventLoop.Current);
        Assert.Same(Loop, await Loop.InvokeAsync(static () => UnixEventLoop.Current).WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task Thread_OfTheLoop_IsNamedAndInTheBackground()
    {
        (string? name, bool background, bool pool) = await Loop.InvokeAsync(
            () => (Thread.CurrentThread.Name, Thread.CurrentThread.IsBackground, Thread.CurrentThread.IsThreadPoolThread)).WaitAsync(TestTimeout);
        Assert.Equal(Loop.Name, name);
        Assert.True(background);
        Assert.False(pool);
    }

    [Fact]
    public async Task Send_FromAnotherThread_WaitsUntilItHasRunAndPassesItsException()
    {
        await Task.Run(() =>
        {
            bool onLoop = false;
            Loop.SynchronizationContext.Send(_ => onLoop = Loop.IsOnLoopThread, null);
            Assert.True(onLoop);
            Assert.Throws<InvalidTimeZoneException>(() => Loop.SynchronizationContext.Send(static _ => throw new InvalidTimeZoneException(), null));
        }).WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Send_OnTheLoop_RunsAtOnce() =>
        Assert.True(await Loop.InvokeAsync(() =>
        {
            bool ran = false;
            Loop.SynchronizationContext.Send(_ => ran = true, null);
            return ran;
        }).WaitAsync(TestTimeout));

    /// <summary>A place in the queue that nothing fills would hold up all that follow.</summary>
    [Fact]
    public async Task Contexts_NullCallback_AreRefusedAndTheLoopGoesOn()
    {
        Assert.Throws<ArgumentNullException>(() => Loop.SynchronizationContext.Post(null!, null));
        Assert.Throws<ArgumentNullException>(() => Loop.SynchronizationContext.Send(null!, null));
        Assert.Throws<ArgumentNullException>(() => Loop.PipeScheduler.Schedule(null!, null));
        await SettleAsync();
    }

    [Fact]
    public async Task PipeScheduler_AsReaderScheduler_ContinuesOnTheLoop()
    {
        var pipe = new Pipe(new PipeOptions(readerScheduler: Loop.PipeScheduler, useSynchronizationContext: false));
        async Task<bool> ReadAsync()
        {
            await pipe.Reader.ReadAsync().ConfigureAwait(false);
            return Loop.IsOnLoopThread;
        }
        Task<bool> reading = ReadAsync();
        await pipe.Writer.WriteAsync(new byte[] { 1 });
        Assert.True(await reading.WaitAsync(TestTimeout));
        pipe.Writer.Complete();
        pipe.Reader.Complete();
    }

    [Fact]
    public async Task Contexts_AfterTheStop_ContinueOnTheThreadPoolAndNeverThrow()
    {
        await Loop.StopAsync().WaitAsync(TestTimeout);
        TaskCompletionSource<bool> posted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource<bool> scheduled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Loop.SynchronizationContext.Post(_ => posted.SetResult(Thread.CurrentThread.IsThreadPoolThread), null);
        Loop.PipeScheduler.Schedule(_ => scheduled.SetResult(Thread.CurrentThread.IsThreadPoolThread), null);
        Assert.True(await posted.Task.WaitAsync(TestTimeout));
        Assert.True(await scheduled.Task.WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task InvokeAsync_StillAwaitingAtTheStop_EndsOnTheThreadPool()
    {
        TaskCompletionSource gate = NewSignal();
        Task<bool> invoked = Loop.InvokeAsync(async () =>
        {
            await gate.Task;
            return Thread.CurrentThread.IsThreadPoolThread;
        });
        await SettleAsync();
        await Loop.StopAsync().WaitAsync(TestTimeout);
        gate.SetResult();
        Assert.True(await invoked.WaitAsync(TestTimeout));
    }
}
