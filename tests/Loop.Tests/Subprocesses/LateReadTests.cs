using System.Globalization;

namespace UnixLoop.Loop.Tests.Subprocesses;

/// <summary>A run that begins on the loop's thread reads its child's output a moment later, or at the exit.</summary>
public sealed class LateReadTests : SubprocessTest
{
    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Factory.StartOnLoop = true;
    }

    [Theory, InlineData(1), InlineData(65_536), InlineData(65_537), InlineData(500_000)]
    public async Task Run_AnyLength_IsCapturedWhole(int length)
    {
        SubprocessResult result = await RunOnLoopAsync(Shell($"head -c {length} /dev/zero; head -c {length} /dev/zero >&2"));
        Assert.Equal((length, length), (result.OutputBytes.Length, result.ErrorBytes.Length));
        Assert.False(result.Truncated);
    }

    [Fact]
    public async Task Run_ShortAndSmall_TakesOneRegistration()
    {
        (Task<SubprocessResult> run, int watched) = await Loop.InvokeAsync(() =>
        {
            int before = Loop.GetStatistics().WatchedDescriptors;
            Task<SubprocessResult> run = Factory.RunAsync(new("/bin/echo", "hello"));
            return (run, Loop.GetStatistics().WatchedDescriptors - before);
        }).WaitAsync(TestTimeout);
        Assert.Equal("hello\n", (await run.WaitAsync(TestTimeout)).Output);
        Assert.Equal(1, watched); // the child
    }

    [Fact]
    public async Task Run_GrandchildHoldsThePipe_EndsAtTheDrainBound()
    {
        SubprocessResult result = await RunOnLoopAsync(Shell("sleep 1000 & echo $!"), new() { DrainBound = TimeSpan.FromMilliseconds(50) });
        Assert.True(result.Truncated);
        TestSupport.Interop.TestLibc.Kill(int.Parse(result.Output, CultureInfo.InvariantCulture), 9);
    }

    [Fact]
    public async Task Run_GrandchildWritesAfterTheExit_IsReadOn()
    {
        SubprocessResult result = await RunOnLoopAsync(Shell("(sleep 0.1; echo later) & echo soon"));
        Assert.Equal("soon\nlater\n", result.Output);
    }

    // Which of the two it is depends on the delay of the late read: before them nothing of the run is the loop's, the KILL of the
    // dispose is the child's end, and what it wrote is read at its exit as ever. After them the pipe is the loop's and ends with it.
    [Fact]
    public async Task Run_LoopEndsMeanwhile_IsToldOrLosesNothing()
    {
        string written = Path.Combine(Path.GetTempPath(), $"late-{Guid.NewGuid():N}");
        Task<SubprocessResult> run = null!;
        await Loop.InvokeAsync(() =>
        {
            run = Factory.RunAsync(Shell($"echo hello; : > {written}; exec sleep 1000"));
            Eventually.True(() => File.Exists(written), "the child has written"); // on the loop's thread: it reads nothing meanwhile
        }).WaitAsync(TestTimeout);
        File.Delete(written);
        await Loop.StopAsync().WaitAsync(TestTimeout);
        await Factory.DisposeAsync();
        Exception? told = await Record.ExceptionAsync(() => run.WaitAsync(TestTimeout));
        if (told is not null)
        {
            Assert.IsType<ObjectDisposedException>(told);
            return;
        }
        SubprocessResult result = await run;
        Assert.Equal((-9, "hello\n", false), (result.Exit.ReturnCode, result.Output, result.Truncated));
    }

    private Task<SubprocessResult> RunOnLoopAsync(SubprocessStartInfo startInfo, SubprocessRunOptions? options = null) =>
        Loop.InvokeAsync(async ValueTask<SubprocessResult> () => await Factory.RunAsync(startInfo, options)).WaitAsync(TestTimeout);
}
