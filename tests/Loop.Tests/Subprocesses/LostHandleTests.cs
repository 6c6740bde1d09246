using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text;

namespace UnixLoop.Loop.Tests.Subprocesses;

/// <summary>A handle that is dropped and collected: the child goes on and is reaped, and its pipes do not leak.</summary>
public sealed class LostHandleTests : SubprocessTest
{
    [Fact]
    public async Task Lost_ChildWithoutPipes_RunsOnAndIsReaped()
    {
        int pid = await StartAndDropAsync(Shell("sleep 0.3"));
        Collect(() => StateOf(pid) is null, "the child ends by itself and is reaped");
        Assert.DoesNotContain(Log.GetSnapshot(), record => record.Id.Name == "SubprocessHandleLost");
    }

    [Fact]
    public async Task Lost_ChildReadsItsInput_GetsTheEnd()
    {
        int pid = await StartAndDropAsync(PipedShell("cat"));
        Collect(() => StateOf(pid) is null, "cat ends");
        Eventually.True(() => Loop.GetStatistics().WatchedDescriptors == 0, "the pipes are closed");
        Assert.Single(Log.GetSnapshot(), record => record.Id.Name == "SubprocessHandleLost");
    }

    [Fact]
    public async Task Lost_ChildWritesForEver_GetsABrokenPipe()
    {
        int pid = await StartAndDropAsync(PipedShell("while :; do echo x; done"));
        Collect(() => StateOf(pid) is null, "the writer ends");
    }

    [Fact]
    public async Task Lost_GrandchildHoldsThePipe_OurEndsAreClosedAtTheExit()
    {
        string file = Path.GetTempFileName();
        int pid = await StartAndDropAsync(PipedShell("sleep 1000 & echo $! > $1", file));
        Collect(() => StateOf(pid) is null && Loop.GetStatistics().WatchedDescriptors == 0, "our ends are closed");
        TestSupport.Interop.TestLibc.Kill(int.Parse(await File.ReadAllTextAsync(file)), 9);
        File.Delete(file);
    }

    [Fact]
    public async Task Lost_WhileItsExitIsAwaited_IsNotLost()
    {
        Task<ChildExitStatus> exit = await StartAndWaitAsync(PipedShell("read x; echo $x; exit 3"));
        for (int i = 0; i < 5; i++)
            CollectOnce();
        Assert.False(exit.IsCompleted);
        await Factory.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        Assert.Equal(-9, (await exit.WaitAsync(TestTimeout)).ReturnCode);
    }

    [Fact]
    public async Task Lost_ButItsReaderIsHeld_IsNotLost()
    {
        (PipeReader output, PipeWriter input) = await StartForItsStreamsAsync();
        for (int i = 0; i < 5; i++)
            CollectOnce();
        await input.WriteAsync("still here"u8.ToArray());
        await input.CompleteAsync();
        Assert.Equal("still here", await ReadToEndAsync(output));
    }

    [Fact]
    public async Task Lost_WithAReadPending_TheReadGetsItsData()
    {
        string file = Path.GetTempFileName();
        Task<string> read = await StartAndReadOnceAsync(PipedShell("until [ -s $1 ]; do sleep 0.01; done; echo late", file));
        for (int i = 0; i < 5; i++)
            CollectOnce();
        await File.WriteAllTextAsync(file, "go");
        Assert.Equal("late\n", await read.WaitAsync(TestTimeout));
        File.Delete(file);
        Collect(() => Loop.GetStatistics().WatchedDescriptors == 0, "the pipes are closed");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private async Task<int> StartAndDropAsync(SubprocessStartInfo startInfo) => (await Factory.StartAsync(startInfo)).Id;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private async Task<Task<ChildExitStatus>> StartAndWaitAsync(SubprocessStartInfo startInfo) => (await Factory.StartAsync(startInfo)).WaitForExitAsync();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private async Task<(PipeReader, PipeWriter)> StartForItsStreamsAsync()
    {
        ISubprocess child = await Factory.StartAsync(PipedShell("cat"));
        return (child.Output, child.Input);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private async Task<Task<string>> StartAndReadOnceAsync(SubprocessStartInfo startInfo)
    {
        ISubprocess child = await Factory.StartAsync(startInfo);
        return ReadAsync(child.Output.ReadAsync());

        static async Task<string> ReadAsync(ValueTask<ReadResult> reading) =>
            Encoding.ASCII.GetString(System.Buffers.BuffersExtensions.ToArray((await reading).Buffer));
    }

    private static void CollectOnce()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    private static void Collect(Func<bool> until, string expectation) => Eventually.True(
        () =>
        {
            CollectOnce();
            return until();
        },
        expectation);
}
