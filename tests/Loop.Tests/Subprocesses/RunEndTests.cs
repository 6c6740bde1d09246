using System.Collections.Concurrent;
using System.Globalization;
using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Loop.Tests.Subprocesses;

/// <summary>Sources and targets of the caller's that misbehave at the end of a run: it ends all the same, with what its child did.</summary>
public sealed class RunEndTests : SubprocessTest
{
    private static readonly TimeSpan s_short = TimeSpan.FromMilliseconds(50);

    private readonly TaskCompletionSource<int> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    protected override IChildWatcher CreateWatcher() => new HookedWatcher(new PidfdChildWatcher()) { BeforeAdd = pid => _first.TrySetResult(pid) };

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
        Assert.True((await Run(kind, Sleep(), options).WaitAsync(TestTimeout)).TimedOut);
    }

    [Fact]
    public async Task EarlyStop_AfterATimeout_TakesATargetsFailureAndTheCallersCancellationOnly()
    {
        using var caller = new CancellationTokenSource();
        TaskCompletionSource decided = NewSignal();
        var early = new EarlyStop(new(Loop, Watcher), new() { Timeout = TimeSpan.FromMilliseconds(1) }, () => decided.TrySetResult());
        early.Arm(new Unstoppable(), caller.Token);
        await decided.Task.WaitAsync(TestTimeout);
        early.FailSource(new IOException("a source's"));
        Assert.Null(early.Failure);
        var failure = new IOException("a target's");
        early.FailTarget(failure);
        Assert.Equal((RunEnd.TimedOut, failure), (early.Reason, early.Failure));
        await caller.CancelAsync();
        Assert.Equal(RunEnd.Cancelled, early.Reason);
        early.Disarm();
    }

    [Fact]
    public void EarlyStop_SourceThenTargetFail_TakesTheSources()
    {
        var early = new EarlyStop(new(Loop, Watcher), new(), () => { });
        early.Arm(new Unstoppable(), CancellationToken.None);
        var failure = new IOException("a source's");
        early.FailSource(failure);
        early.FailTarget(new IOException("a target's, of what the stopped child said"));
        Assert.Equal((RunEnd.Failed, failure), (early.Reason, early.Failure));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void EarlyStop_MayNotStopIt_FailsUnlessItHasExitedMeanwhile(bool exits)
    {
        ConcurrentQueue<(RunEnd, bool)> told = [];
        EarlyStop early = null!;
        early = new EarlyStop(new(Loop, Watcher), new() { Timeout = TimeSpan.FromMilliseconds(1) }, () => told.Enqueue((early.Reason, early.CannotStop)));
        var forbidden = new UnauthorizedAccessException("of the test");
        early.Arm(new Unstoppable(forbidden, exits), CancellationToken.None);
        (RunEnd, bool)[] expected = exits ? [(RunEnd.TimedOut, false)] : [(RunEnd.Failed, true), (RunEnd.Failed, true)];
        Eventually.True(() => told.Count == expected.Length, "it has been told");
        early.Disarm();
        Assert.Equal(expected, told);
        Assert.Same(exits ? null : forbidden, early.Failure);
    }

    [Fact]
    public async Task EarlyStop_Disarmed_TakesNoReason()
    {
        using var caller = new CancellationTokenSource();
        var early = new EarlyStop(new(Loop, Watcher), new(), () => { });
        early.Arm(new Unstoppable(), caller.Token);
        early.Disarm();
        early.FailSource(new IOException("late"));
        early.FailTarget(new IOException("late"));
        await caller.CancelAsync();
        Assert.Equal((RunEnd.None, null), (early.Reason, early.Failure));
    }

    [Theory]
    [InlineData("captured")]
    [InlineData("to a target")]
    [InlineData("pipeline")]
    public async Task Source_ThrowsACancellationOfItsOwn_FailsTheTask(string kind)
    {
        SubprocessRunOptions options = new() { Input = SubprocessInput.FromWriter(static (_, _) => throw new OperationCanceledException("mine")) };
        Task<SubprocessResult> run = Run(kind, new("cat"), options);
        await Task.WhenAny(run).WaitAsync(TestTimeout);
        Assert.True(run.IsFaulted);
        Assert.IsType<OperationCanceledException>(run.Exception!.InnerException);
    }

    [Theory]
    [InlineData("captured")]
    [InlineData("to a target")]
    public async Task Source_FailsOnceTheChildHasExited_LeavesTheResult(string kind)
    {
        // A grandchild holds the input, so that the source still waits to write when the run is over.
        SubprocessStartInfo program = Shell("exec 3<&0; sleep 1000 <&3 >/dev/null 2>&1 & echo $! >&2; exit 5");
        SubprocessRunOptions options = new()
        {
            Input = SubprocessInput.FromWriter(async (writer, _) =>
            {
                while (!(await writer.WriteAsync(new byte[4096], CancellationToken.None)).IsCompleted) { }
                throw new IOException("nobody reads");
            }),
        };
        SubprocessResult result = await Run(kind, program, options).WaitAsync(TestTimeout);
        TestLibc.Kill(int.Parse(result.Error, CultureInfo.InvariantCulture), 9);
        Assert.Equal(5, result.Exit.ExitCode);
    }

    [Theory]
    [InlineData("captured")]
    [InlineData("to a target")]
    [InlineData("pipeline")]
    [InlineData("lines")]
    public async Task Source_FailsBetweenTheExitAndTheEndOfTheOutput_LeavesTheResult(string kind)
    {
        // A grandchild holds both, and says so once the source has failed.
        SubprocessStartInfo program = Shell("exec 3<&0; (cat <&3 >/dev/null; echo end of input) & exit 5");
        SubprocessRunOptions options = new() { DrainBound = TestTimeout, Input = SubprocessInput.FromWriter((_, _) => FailAfterTheExitAsync()) };
        if (kind == "lines")
        {
            IAsyncEnumerator<SubprocessLine> lines = Factory.ReadLinesAsync(program, options).GetAsyncEnumerator();
            Assert.True(await lines.MoveNextAsync().AsTask().WaitAsync(TestTimeout));
            Assert.Equal("end of input", lines.Current.Text);
            await Assert.ThrowsAsync<SubprocessFailedException>(() => lines.MoveNextAsync().AsTask().WaitAsync(TestTimeout));
            return;
        }
        SubprocessResult result = await Run(kind, program, options).WaitAsync(TestTimeout);
        Assert.Equal((5, kind == "to a target" ? "" : "end of input\n"), (result.Exit.ExitCode, result.Output));
    }

    /// <summary>It may have exited for what it did not get.</summary>
    [Fact]
    public async Task Source_EndsTheInputAndFailsAfterTheExit_FailsTheRun()
    {
        // A grandchild writes until nobody reads: the run goes on.
        SubprocessStartInfo program = Shell("cat; while echo x; do sleep 0.01; done 2>/dev/null & exit 0");
        SubprocessRunOptions options = new()
        {
            DrainBound = TestTimeout,
            Input = SubprocessInput.FromWriter((writer, _) =>
            {
                writer.Complete();
                return FailAfterTheExitAsync();
            }),
        };
        await Assert.ThrowsAsync<IOException>(() => RunAsync(program, options));
    }

    [Fact]
    public async Task Source_CompletesItsWriterWithAnException_FailsTheRunWithThat()
    {
        var failure = new InvalidDataException("of the test");
        SubprocessRunOptions options = new() { Input = SubprocessInput.FromWriter(async (writer, _) => await writer.CompleteAsync(failure)) };
        Assert.Same(failure, await Assert.ThrowsAsync<InvalidDataException>(() => RunAsync(new("cat"), options)));
    }

    [Fact]
    public async Task Lines_InputAddedToTheStartInfoAfterTheCall_IsRefusedBeforeTheStart()
    {
        SubprocessStartInfo program = new("cat");
        IAsyncEnumerable<SubprocessLine> lines = Factory.ReadLinesAsync(program);
        program.Input = Stdio.Pipe;
        await Assert.ThrowsAsync<ArgumentException>(async () => await lines.GetAsyncEnumerator().MoveNextAsync());
    }

    private async Task FailAfterTheExitAsync()
    {
        int pid = await _first.Task;
        Eventually.True(() => StateOf(pid) is null, "the child is reaped");
        await SettleAsync(); // and its exit told
        throw new IOException("too late");
    }

    private async Task<bool> EndsWellAsync(string kind, SubprocessRunOptions options)
    {
        if (kind != "lines")
            return (await Run(kind, new("cat"), options).WaitAsync(TestTimeout)).Exit.IsSuccess;
        IAsyncEnumerator<SubprocessLine> lines = Factory.ReadLinesAsync(new("cat"), options).GetAsyncEnumerator();
        Assert.False(await lines.MoveNextAsync().AsTask().WaitAsync(TestTimeout));
        await lines.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        return true;
    }

    private Task<SubprocessResult> Run(string kind, SubprocessStartInfo program, SubprocessRunOptions options, CancellationToken cancellationToken = default)
    {
        if (kind == "pipeline")
            return Factory.RunAsync(new SubprocessPipeline(program, new("cat")), options, cancellationToken);
        if (kind == "to a target")
            options.Output = SubprocessOutput.ToStream(Stream.Null);
        return Factory.RunAsync(program, options, cancellationToken);
    }

    private sealed class Unstoppable(Exception? failure = null, bool exits = false) : IStoppable
    {
        public bool HasExited { get; private set; }

        public Task StopAsync(TimeSpan grace)
        {
            HasExited = exits;
            return failure is null ? Task.CompletedTask : Task.FromException(failure);
        }
    }
}
