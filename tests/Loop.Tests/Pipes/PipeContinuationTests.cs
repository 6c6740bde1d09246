using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.Pipes;

/// <summary>Where awaiting code goes on, and what becomes of a pipe that nobody has any more.</summary>
public sealed class PipeContinuationTests : PublicPipeTest
{
    [Theory, InlineData(false), InlineData(true)]
    public async Task Read_Awaited_GoesOnWhereTheOptionSays(bool onLoop)
    {
        await using ReadPipe pipe = ReadPipe.Create(Loop, out SafeFileHandle writeEnd, new() { Scheduler = Of(onLoop) });
        Task<bool> wentOn = WhereAsync(async () => (await pipe.Input.ReadAsync().ConfigureAwait(false)).IsCompleted);
        using (writeEnd)
            Put(writeEnd, "x");
        Assert.Equal(onLoop, await wentOn.WaitAsync(TestTimeout));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Flush_Awaited_GoesOnWhereTheOptionSays(bool onLoop)
    {
        (UnixHandle read, UnixHandle write) = NewPipe();
        Fill(write);
        await using WritePipe pipe = WritePipe.FromHandle(Loop, write, new() { Scheduler = Of(onLoop), HighWaterMark = 0, LowWaterMark = 0 });
        Task<bool> wentOn = WhereAsync(async () => (await pipe.Output.WriteAsync(new byte[1]).ConfigureAwait(false)).IsCompleted);
        Libc.Read(read.Descriptor, new byte[65536]);
        Assert.Equal(onLoop, await wentOn.WaitAsync(TestTimeout));
        read.Dispose();
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Completion_Awaited_GoesOnWhereTheOptionSays(bool onLoop)
    {
        await using WritePipe pipe = WritePipe.Create(Loop, out SafeFileHandle readEnd, new() { Scheduler = Of(onLoop) });
        Task<bool> wentOn = WhereAsync(async () =>
        {
            await pipe.Completion.ConfigureAwait(false);
            return true;
        });
        readEnd.Dispose();
        Assert.Equal(onLoop, await wentOn.WaitAsync(TestTimeout));
    }

    [Fact]
    public void Lost_ReadPipe_IsClosedWithAWarning()
    {
        SafeFileHandle writeEnd = MakeAndDrop();
        CollectUntil(() => Libc.Write((int)writeEnd.DangerousGetHandle(), "x"u8).IsError, "the pipe is closed");
        Assert.Single(Log.GetSnapshot(), record => record.Id.Name == "PipeHandleLost");
        writeEnd.Dispose();
    }

    [Fact]
    public void Lost_WritePipe_WritesWhatWasFlushedAndIsClosedWithAWarning()
    {
        SafeFileHandle readEnd = WriteAndDrop(complete: false);
        CollectUntil(() => Loop.GetStatistics().WatchedDescriptors == 0, "the pipe is closed");
        Assert.Equal("flushed", ReadNow(readEnd));
        Assert.Single(Log.GetSnapshot(), record => record.Id.Name == "PipeHandleLost");
        readEnd.Dispose();
    }

    [Fact]
    public void Lost_CompletedWritePipe_IsNoLoss()
    {
        SafeFileHandle readEnd = WriteAndDrop(complete: true);
        CollectUntil(() => Loop.GetStatistics().WatchedDescriptors == 0, "the pipe is closed");
        GC.WaitForPendingFinalizers();
        Assert.DoesNotContain(Log.GetSnapshot(), record => record.Id.Name == "PipeHandleLost");
        readEnd.Dispose();
    }

    private static PipeScheduler Of(bool onLoop) => onLoop ? PipeScheduler.Inline : PipeScheduler.ThreadPool;

    /// <summary>Whether the code behind the await ran on the loop. Begins on a thread without a context.</summary>
    private Task<bool> WhereAsync(Func<Task<bool>> awaited)
    {
        TaskCompletionSource<bool> wentOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() => _ = RunAsync());
        thread.Start();
        thread.Join();
        return wentOn.Task;

        async Task RunAsync()
        {
            await awaited().ConfigureAwait(false);
            wentOn.SetResult(Loop.IsOnLoopThread);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private SafeFileHandle MakeAndDrop()
    {
        GC.KeepAlive(ReadPipe.Create(Loop, out SafeFileHandle writeEnd));
        return writeEnd;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private SafeFileHandle WriteAndDrop(bool complete)
    {
        WritePipe pipe = WritePipe.Create(Loop, out SafeFileHandle readEnd);
        Assert.True(pipe.Output.WriteAsync("flushed"u8.ToArray()).AsTask().IsCompletedSuccessfully);
        if (complete)
            pipe.Output.Complete();
        return readEnd;
    }

    private static void CollectUntil(Func<bool> condition, string expectation) =>
        Eventually.True(
            () =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return condition();
            },
            expectation);
}
