using System.Globalization;
using UnixLoop.Subprocesses;

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

    // Which of the two it is depends on the delay of the late read: before it nothing of the run is the loop's, the KILL of the
    // dispose is the child's end, and what it wrote is read at its exit as ever. After it the pipe is the loop's and ends with it.
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

    // A run's time can't be forced, but what it teaches can be told from its result. One byte more than what a pipe of one slot holds
    // counts as fast, however long it took.
    [Theory]
    [InlineData("exit 3", 0)]
    [InlineData("head -c 4097 /dev/zero", 4097)]
    [InlineData("head -c 4097 /dev/zero >&2", 4097)]
    public async Task Run_OnTheLoop_TeachesHowLongProgramsTake(string script, long written)
    {
        LateReading expected = new();
        SubprocessServices services = new(Loop, Watcher);
        ChildExitStatus exit = await TeachAsync(expected, services, script, onLoop: true);
        TimeSpan before = expected.Delay;
        expected.OnExit(exit.RunTime, written);
        Assert.Equal(expected.Delay, services.LateReading.Delay);
        Assert.True(written == 0 || expected.Delay < before);
    }

    [Fact]
    public async Task Run_ElsewhereThanOnTheLoop_TeachesNothing()
    {
        LateReading expected = new();
        SubprocessServices services = new(Loop, Watcher);
        await TeachAsync(expected, services, "exit 3", onLoop: false);
        Assert.Equal(expected.Delay, services.LateReading.Delay);
    }

    /// <summary>Both know of programs that take something between the bounds; then <paramref name="services"/> run one.</summary>
    private async Task<ChildExitStatus> TeachAsync(LateReading expected, SubprocessServices services, string script, bool onLoop)
    {
        for (int i = 0; i < 100; i++)
        {
            expected.OnExit(LateReading.Least, written: 0);
            services.LateReading.OnExit(LateReading.Least, written: 0);
        }
        Assert.InRange(expected.Delay, LateReading.Least * 1.5, LateReading.Most * 0.75);
        SubprocessLauncher launcher = new(services) { StartOnLoop = true };
        Task<SubprocessResult> run = null!;
        void Start() => run = CaptureRun.RunAsync(launcher, Shell(script), new(), recordArguments: false, CancellationToken.None);
        if (onLoop)
            await Loop.InvokeAsync(Start).WaitAsync(TestTimeout);
        else
            Start();
        return (await run.WaitAsync(TestTimeout)).Exit;
    }

    private Task<SubprocessResult> RunOnLoopAsync(SubprocessStartInfo startInfo, SubprocessRunOptions? options = null) =>
        Loop.InvokeAsync(async ValueTask<SubprocessResult> () => await Factory.RunAsync(startInfo, options)).WaitAsync(TestTimeout);
}
