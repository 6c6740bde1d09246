using System.Text;
using Microsoft.Extensions.Time.Testing;

namespace UnixLoop.Loop.Tests.Subprocesses;

/// <summary>A time-out, and a caller who cancels once it has passed. The clock is the test's, so that the child is ready for the ladder by then.</summary>
public sealed class TimedOutRunTests : SubprocessTest
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_never = TimeSpan.FromDays(1);

    private readonly FakeTimeProvider _clock = new();
    private readonly DirectoryInfo _marks = Directory.CreateTempSubdirectory("unixloop-timed-out-");
    private readonly CancellationTokenSource _caller = new();
    private readonly SubprocessRunOptions _options = new() { Timeout = s_timeout, StopGrace = s_never, DrainBound = s_never };

    protected override UnixEventLoopSettings Settings => new() { LoggerFactory = Loggers, TimeProvider = _clock };

    private SubprocessStartInfo SaysSomething => Shell("echo begun; touch \"$1/ready\"; exec sleep 1000", _marks.FullName);

    [Fact]
    public async Task Run_IsAResultWithWhatWasWritten()
    {
        SubprocessResult result = await TimeOutAsync(Factory.RunAsync(SaysSomething, _options));
        Assert.True(result.TimedOut);
        Assert.Equal(-15, result.Exit.ReturnCode);
        Assert.Equal("begun\n", result.Output);
        Assert.Throws<TimeoutException>(() => result.EnsureSuccess());
    }

    [Fact]
    public async Task Run_Stubborn_IsKilledAfterTheGrace()
    {
        _options.StopGrace = s_timeout;
        SubprocessResult result = await TimeOutAsync(
            Factory.RunAsync(Shell("trap '' TERM; touch \"$1/ready\"; while :; do sleep 0.01; done", _marks.FullName), _options));
        Assert.True(result.TimedOut);
        Assert.Equal(-9, result.Exit.ReturnCode);
    }

    [Fact]
    public async Task Run_ToATarget_ThatHasWhatWasWritten()
    {
        using MemoryStream output = new();
        _options.Output = SubprocessOutput.ToStream(output);
        Assert.True((await TimeOutAsync(Factory.RunAsync(SaysSomething, _options))).TimedOut);
        Assert.Equal("begun\n", Encoding.ASCII.GetString(output.ToArray()));
    }

    [Fact]
    public async Task Pipeline_StopsAllAndTellsWhatWasWritten()
    {
        SubprocessPipeline pipeline = new(
            Shell("echo begun; exec sleep 1000"), Shell("read line; echo \"$line\"; touch \"$1/ready\"; exec sleep 1000", _marks.FullName));
        SubprocessResult result = await TimeOutAsync(Factory.RunAsync(pipeline, _options));
        Assert.True(result.TimedOut);
        Assert.Equal("begun\n", result.Output);
        Assert.All(result.Members, member => Assert.Equal(UnixSignal.Term, member.Exit.Signal));
        Assert.Matches("^'/bin/sh .* [|] /bin/sh .*' was stopped", Assert.Throws<TimeoutException>(result.EnsureSuccess).Message);
    }

    [Fact]
    public async Task Lines_DeliversWhatCameAndThrows()
    {
        List<string> lines = [];
        await Assert.ThrowsAsync<TimeoutException>(() => TimeOutAsync(ReadAsync()));
        Assert.Equal(["begun"], lines);

        async Task<bool> ReadAsync()
        {
            await foreach (SubprocessLine line in Factory.ReadLinesAsync(SaysSomething, _options))
                lines.Add(line.Text);
            return true;
        }
    }

    [Theory]
    [InlineData("captured")]
    [InlineData("to a target")]
    [InlineData("pipeline")]
    [InlineData("lines")]
    public async Task Cancel_WhileTheOutputIsDrained_EndsTheRun(string kind)
    {
        // A grandchild holds the output until the marks are deleted, from a session of its own: the ladder's TERM goes to the child's group.
        SubprocessStartInfo program = Obeys("touch \"$1/stopped\"", "setsid sh -c 'touch \"$0/ready\"; while [ -d \"$0\" ]; do sleep 0.1; done' \"$1\" &");
        if (kind == "to a target")
            _options.Output = SubprocessOutput.ToStream(Stream.Null);
        Task run = kind switch
        {
            "pipeline" => Factory.RunAsync(new SubprocessPipeline(Sleep(), program), _options, _caller.Token),
            "lines" => Factory.ReadLinesAsync(program, _options, _caller.Token).CountAsync(CancellationToken.None).AsTask(),
            _ => Factory.RunAsync(program, _options, _caller.Token),
        };
        PassTheTimeoutUntil(() => HasMark("stopped"));
        await _caller.CancelAsync();
        await ExpectTheCallersCancellationAsync(run);
    }

    [Fact]
    public async Task Target_FailsByTheCancellation_ThrowsThatCancellation()
    {
        _options.Output = SubprocessOutput.ToLines(async (_, _) =>
        {
            await _caller.CancelAsync();
            throw new IOException("by the caller's cancellation");
        });
        Task<SubprocessResult> run = Factory.RunAsync(Obeys("echo stopping", "touch \"$1/ready\";"), _options, _caller.Token);
        PassTheTimeoutUntil(() => run.IsCompleted);
        await ExpectTheCallersCancellationAsync(run);
    }

    public override async ValueTask DisposeAsync()
    {
        _caller.Dispose();
        _marks.Delete(recursive: true);
        await base.DisposeAsync();
    }

    /// <summary>Can obey before it begins, and waits for the ladder's TERM; $1 is where the marks are.</summary>
    private SubprocessStartInfo Obeys(string atTerm, string begin) =>
        Shell($"trap '{atTerm}; exit 0' TERM; {begin} while :; do sleep 0.01; done", _marks.FullName);

    private bool HasMark(string name) => File.Exists(Path.Combine(_marks.FullName, name));

    /// <summary>Again and again: the child may be ready before its time-out is set.</summary>
    private void PassTheTimeoutUntil(Func<bool> condition)
    {
        Eventually.True(() => HasMark("ready"), "the child is ready");
        Eventually.True(() =>
        {
            _clock.Advance(s_timeout);
            return condition();
        }, "the ladder has begun");
    }

    private async Task<T> TimeOutAsync<T>(Task<T> run)
    {
        PassTheTimeoutUntil(() => run.IsCompleted);
        return await run;
    }

    private async Task ExpectTheCallersCancellationAsync(Task run)
    {
        OperationCanceledException error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.WaitAsync(TestTimeout, CancellationToken.None));
        Assert.Equal(_caller.Token, error.CancellationToken);
    }
}
