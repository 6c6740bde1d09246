namespace UnixLoop.Loop.Tests.Subprocesses;

/// <summary>Sources and targets of the caller's that misbehave at the end of a run: it ends all the same, with what its child did.</summary>
public sealed class RunEndTests : SubprocessTest
{
    private static readonly TimeSpan s_short = TimeSpan.FromMilliseconds(50);

    [Theory]
    [InlineData("captured")]
    [InlineData("to a target")]
    [InlineData("pipeline")]
    [InlineData("lines")]
    public async Task Source_WhoseTokensCallbackDoesNotReturn_IsLeftAlone(string kind)
    {
        using var release = new ManualResetEventSlim();
        using var left = new CountdownEvent(1);
        SubprocessRunOptions options = new()
        {
            DrainBound = s_short,
            Input = SubprocessInput.FromWriter((_, cancellationToken) =>
            {
                cancellationToken.Register(() =>
                {
                    release.Wait();
                    left.Signal();
                });
                return Task.CompletedTask;
            }),
        };
        try
        {
            Assert.True(await EndsWellAsync(kind, options));
        }
        finally
        {
            release.Set();
            Assert.True(left.Wait(TestTimeout));
        }
    }

    [Fact]
    public async Task Target_WhoseTokensCallbackDoesNotReturn_IsLeftAlone()
    {
        using var release = new ManualResetEventSlim();
        using var left = new CountdownEvent(1);
        bool isRegistered = false;
        SubprocessOutput target = SubprocessOutput.ToLines((_, cancellationToken) =>
        {
            if (!isRegistered)
            {
                cancellationToken.Register(() =>
                {
                    release.Wait();
                    left.Signal();
                });
            }
            isRegistered = true;
            return ValueTask.CompletedTask;
        });
        try
        {
            Assert.True((await RunAsync(Shell("echo x"), new() { DrainBound = s_short, Output = target })).Exit.IsSuccess);
            Assert.True(isRegistered);
        }
        finally
        {
            release.Set();
            Assert.True(left.Wait(TestTimeout));
        }
    }

    [Theory]
    [InlineData("captured")]
    [InlineData("to a target")]
    [InlineData("pipeline")]
    public async Task Source_FailsOnceTheRunHasTimedOut_LeavesTheResult(string kind)
    {
        SubprocessRunOptions options = new()
        {
            Timeout = s_short,
            Input = SubprocessInput.FromWriter(async (writer, _) =>
            {
                while (!(await writer.WriteAsync(new byte[4096], CancellationToken.None)).IsCompleted) { }
                throw new IOException("nobody reads");
            }),
        };
        SubprocessResult result = await (kind switch
        {
            "pipeline" => Factory.RunAsync(new SubprocessPipeline(Sleep(), new("cat")), options).WaitAsync(TestTimeout),
            "captured" => RunAsync(Sleep(), options),
            _ => RunAsync(Sleep(), ToNowhere(options)),
        });
        Assert.True(result.TimedOut);
    }

    [Fact]
    public async Task Target_FailsByTheCallersCancellationAfterATimeout_ThrowsThatCancellation()
    {
        using var caller = new CancellationTokenSource();
        SubprocessRunOptions options = new()
        {
            Timeout = s_short,
            StopGrace = TestTimeout,
            Output = SubprocessOutput.ToLines(async (_, _) =>
            {
                // The child is being stopped by now: this line is its answer to the ladder's TERM.
                await caller.CancelAsync();
                throw new IOException("by the caller's cancellation");
            }),
        };
        OperationCanceledException error = await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => RunAsync(Shell("trap 'echo stopping; exit 0' TERM; while :; do sleep 0.01; done"), options, caller.Token));
        Assert.Equal(caller.Token, error.CancellationToken);
    }

    [Theory]
    [InlineData("captured")]
    [InlineData("to a target")]
    public async Task Source_FailsOnceTheChildHasExited_LeavesTheResult(string kind)
    {
        // A grandchild holds the input, so that the source still waits to write when the run is over.
        SubprocessStartInfo program = Shell("exec 3<&0; sleep 1 <&3 >/dev/null 2>&1 & exit 5");
        SubprocessRunOptions options = new()
        {
            Input = SubprocessInput.FromWriter(async (writer, _) =>
            {
                while (!(await writer.WriteAsync(new byte[4096], CancellationToken.None)).IsCompleted) { }
                throw new IOException("nobody reads");
            }),
        };
        Assert.Equal(5, (await RunAsync(program, kind == "captured" ? options : ToNowhere(options))).Exit.ExitCode);
    }

    [Fact]
    public async Task Lines_InputAddedToTheStartInfoAfterTheCall_IsRefusedBeforeTheStart()
    {
        SubprocessStartInfo program = new("cat");
        IAsyncEnumerable<SubprocessLine> lines = Factory.ReadLinesAsync(program);
        program.Input = Stdio.Pipe;
        await Assert.ThrowsAsync<ArgumentException>(async () => await lines.GetAsyncEnumerator().MoveNextAsync());
    }

    private async Task<bool> EndsWellAsync(string kind, SubprocessRunOptions options)
    {
        switch (kind)
        {
            case "captured":
                return (await RunAsync(new("cat"), options)).Exit.IsSuccess;
            case "to a target":
                return (await RunAsync(new("cat"), ToNowhere(options))).Exit.IsSuccess;
            case "pipeline":
                return (await Factory.RunAsync(new SubprocessPipeline(new("cat"), new("cat")), options).WaitAsync(TestTimeout)).Exit.IsSuccess;
            default:
                IAsyncEnumerator<SubprocessLine> lines = Factory.ReadLinesAsync(new("cat"), options).GetAsyncEnumerator();
                Assert.False(await lines.MoveNextAsync().AsTask().WaitAsync(TestTimeout));
                await lines.DisposeAsync().AsTask().WaitAsync(TestTimeout);
                return true;
        }
    }

    private static SubprocessRunOptions ToNowhere(SubprocessRunOptions options)
    {
        options.Output = SubprocessOutput.ToStream(Stream.Null);
        return options;
    }
}
