namespace UnixLoop.Loop.Tests.Subprocesses;

public sealed class RunTests : SubprocessTest
{
    [Fact]
    public async Task Run_BothStreams_AreCapturedApart()
    {
        SubprocessResult result = await RunAsync(Shell("echo out; echo err >&2; exit 3"));
        Assert.Equal("out\n", result.Output);
        Assert.Equal("err\n", result.Error);
        Assert.Equal(3, result.Exit.ExitCode);
        Assert.False(result.Truncated);
        Assert.False(result.TimedOut);
    }
}
