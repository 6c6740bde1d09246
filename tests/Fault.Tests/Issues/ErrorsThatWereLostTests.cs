using System.Diagnostics;
using UnixLoop.Fault.Tests.Injection;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Issues;

/// <summary>Failures of a child's pipes that a run passed over: input or output was missing, and nothing said so.</summary>
public sealed class ErrorsThatWereLostTests : IAsyncDisposable
{
    private readonly LeakCheck _leaks = new();
    private readonly UnixEventLoop _loop = new();
    private readonly PidfdChildWatcher _watcher = new();

    [Fact]
    public async Task ReadLinesAsync_ReadFails_Throws()
    {
        await using SubprocessFactory factory = await StartAsync();
        using FaultScope fault = FaultScope.Fail("read", EBADF);
        IOException error = await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            await foreach (SubprocessLine _ in factory.ReadLinesAsync(new SubprocessStartInfo("/bin/echo", "lost")))
            {
            }
        });
        Assert.Equal(EBADF, error.HResult);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task RunAsync_InputCannotBeWritten_Throws(bool fromStream)
    {
        byte[] input = new byte[10];
        var options = new SubprocessRunOptions
        {
            Input = fromStream ? SubprocessInput.FromStream(new MemoryStream(input)) : SubprocessInput.FromBytes(input),
        };
        await using SubprocessFactory factory = await StartAsync();
        using FaultScope fault = FaultScope.Fail("write", EBADF);
        IOException error = await Assert.ThrowsAnyAsync<IOException>(() => factory.RunAsync(new SubprocessStartInfo("/bin/cat"), options));
        Assert.Equal(EBADF, error.HResult);
    }

    [Theory]
    [InlineData("captured")]
    [InlineData("to a target")]
    [InlineData("lines")]
    public async Task Span_ReadFails_SaysSoAndHasTheExitCode(string kind)
    {
        List<Activity> spans = [];
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "UnixLoop",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Add,
        };
        ActivitySource.AddActivityListener(listener);
        await using SubprocessFactory factory = await StartAsync();
        using FaultScope fault = FaultScope.Fail("read", EBADF);
        SubprocessStartInfo echo = new("/bin/echo", "lost");
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            if (kind == "lines")
                await foreach (SubprocessLine _ in factory.ReadLinesAsync(echo)) { }
            else
                await factory.RunAsync(echo, kind == "captured" ? null : new() { Output = SubprocessOutput.ToStream(Stream.Null) });
        });
        Activity span = Assert.Single(spans);
        Assert.Equal(ActivityStatusCode.Error, span.Status);
        Assert.NotNull(span.GetTagItem("error.type"));
        Assert.NotEqual("0", span.GetTagItem("error.type"));
        // A target that fails stops the child, unless that has gone by then; what a signal ended has no exit code.
        object? exitCode = span.GetTagItem("process.exit.code");
        Assert.True(exitCode is 0 || (kind == "to a target" && exitCode is null), $"exit code {exitCode}");
    }

    [Fact]
    public async Task StartAsync_PipeCannotBeWatched_ThrowsSubprocessStartException()
    {
        await using SubprocessFactory factory = await StartAsync();
        using FaultScope fault = FaultScope.Fail("epoll_ctl EPOLL_CTL_ADD", ENOSPC);
        SubprocessStartException error = await Assert.ThrowsAsync<SubprocessStartException>(
            async () => await factory.StartAsync(new SubprocessStartInfo("/bin/cat") { Output = Stdio.Pipe }));
        Assert.Equal("ENOSPC", error.ErrorName);
    }

    private async Task<SubprocessFactory> StartAsync()
    {
        await _loop.StartAsync();
        _watcher.Attach(_loop);
        return new SubprocessFactory(_loop, _watcher);
    }

    public async ValueTask DisposeAsync()
    {
        await _loop.DisposeAsync();
        _watcher.Dispose();
        _leaks.Dispose();
    }
}
