using Microsoft.Extensions.Time.Testing;

namespace UnixLoop.Loop.Tests.Subprocesses;

/// <summary>A caller who cancels once the time-out has passed. The clock is the test's, so that the child is ready for the ladder by then.</summary>
public sealed class TimedOutRunTests : SubprocessTest
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_never = TimeSpan.FromDays(1);

    private readonly FakeTimeProvider _clock = new();
    private readonly DirectoryInfo _marks = Directory.CreateTempSubdirectory("unixloop-timed-out-");
    private readonly CancellationTokenSource _caller = new();
    private readonly SubprocessRunOptions _options = new() { Timeout = s_timeout, StopGrace = s_never, DrainBound = s_never };

    protected override UnixEventLoopSettings Settings => new() { LoggerFactory = Loggers, TimeProvider = _clock };

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

    private async Task ExpectTheCallersCancellationAsync(Task run)
    {
        OperationCanceledException error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.WaitAsync(TestTimeout, CancellationToken.None));
        Assert.Equal(_caller.Token, error.CancellationToken);
    }
}
