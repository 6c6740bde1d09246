using System.Diagnostics;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace UnixLoop.Loop.Tests.Subprocesses;

public sealed class TelemetryTests : SubprocessTest
{
    private readonly List<Activity> _spans = [];

    protected override UnixEventLoopSettings Settings => new()
    {
        LoggerFactory = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Debug).AddProvider(new FakeLoggerProvider(Log))),
    };

    [Fact]
    public async Task Metrics_OfChildren_CountThem()
    {
        using var active = new MetricCollector<long>(Loop.Meter, "unixloop.children.active");
        using var started = new MetricCollector<long>(Loop.Meter, "unixloop.children.started");
        using var exits = new MetricCollector<long>(Loop.Meter, "unixloop.children.exits");
        using var duration = new MetricCollector<double>(Loop.Meter, "unixloop.children.duration");
        using var cpu = new MetricCollector<double>(Loop.Meter, "unixloop.children.cpu_time");

        await RunAsync(Shell("exit 3"));
        await RunAsync(Shell("kill -KILL $$"));

        Assert.Equal(2, started.GetMeasurementSnapshot().EvaluateAsCounter());
        Assert.Equal([1, -1, 1, -1], active.GetMeasurementSnapshot().Select(measurement => measurement.Value));
        Assert.Equal(3, exits.GetMeasurementSnapshot()[0].Tags["process.exit.code"]);
        Assert.Equal("SIGKILL", exits.GetMeasurementSnapshot()[1].Tags["signal"]);
        Assert.Equal(2, duration.GetMeasurementSnapshot().Count);
        Assert.All(duration.GetMeasurementSnapshot(), measurement => Assert.InRange(measurement.Value, 1e-6, 30));
        Assert.Equal(["user", "system", "user", "system"], cpu.GetMeasurementSnapshot().Select(measurement => measurement.Tags["cpu.mode"]));
    }

    [Fact]
    public async Task Metrics_OfFailedStarts_NameTheErrno()
    {
        using var failures = new MetricCollector<long>(Loop.Meter, "unixloop.children.start_failures");
        await Assert.ThrowsAsync<SubprocessStartException>(() => RunAsync(new("/no/such/program")));
        Assert.Equal("ENOENT", Assert.Single(failures.GetMeasurementSnapshot()).Tags["error.type"]);
    }

    [Fact]
    public async Task Spans_OfRuns_FollowTheConventionsForPrograms()
    {
        using ActivityListener listener = Listen();
        using Activity caller = new Activity("caller").Start();
        await RunAsync(Shell("exit 0"));
        await RunAsync(Shell("exit 3"));
        await Assert.ThrowsAsync<SubprocessStartException>(() => RunAsync(new("/no/such/program")));
        await RunAsync(Sleep(), new() { Timeout = TimeSpan.FromMilliseconds(50) });
        await foreach (SubprocessLine _ in Factory.ReadLinesAsync(Shell("echo x")))
            Assert.Same(caller, Activity.Current);
        Assert.Same(caller, Activity.Current);

        Assert.Equal(5, _spans.Count);
        Assert.All(_spans, span => Assert.Equal((ActivityKind.Client, caller.SpanId), (span.Kind, span.ParentSpanId)));
        Assert.Equal(["sh", "sh", "program", "sleep", "sh"], _spans.Select(span => span.DisplayName));
        Assert.Equal(["sh", "sh", "program", "sleep", "sh"], _spans.Select(span => span.GetTagItem("process.executable.name")));
        Assert.Equal([0, 3, null, null, 0], _spans.Select(span => span.GetTagItem("process.exit.code")));
        Assert.Equal([null, "3", "ENOENT", "timeout", null], _spans.Select(span => span.GetTagItem("error.type")));
        Assert.Equal([false, true, true, true, false], _spans.Select(span => span.Status == ActivityStatusCode.Error));
        Assert.All(_spans.Where((_, i) => i != 2), span => Assert.True((int)span.GetTagItem("process.pid")! > 1));
        Assert.All(_spans, span => Assert.Null(span.GetTagItem("process.command_args")));
    }

    /// <summary>As the caller, who gets that exception and no result.</summary>
    [Fact]
    public async Task Span_TargetFailsAfterTheTimeout_NamesItsException()
    {
        using ActivityListener listener = Listen();
        SubprocessOutput target = SubprocessOutput.ToReader(static async (reader, _) =>
        {
            await reader.CopyToAsync(Stream.Null, CancellationToken.None); // up to the end of the stopped child
            throw new IOException("of the test");
        });
        await Assert.ThrowsAsync<IOException>(() => RunAsync(Sleep(), new() { Timeout = TimeSpan.FromMilliseconds(50), DrainBound = TestTimeout, Output = target }));
        Assert.Equal("System.IO.IOException", Assert.Single(_spans).GetTagItem("error.type"));
    }

    [Fact]
    public async Task Spans_WithArguments_OnlyWhenAskedFor()
    {
        using ActivityListener listener = Listen();
        Factory.RecordArguments = true;
        await RunAsync(new("/bin/echo", "secret"));
        Assert.Equal(["/bin/echo", "secret"], (string[])Assert.Single(_spans).GetTagItem("process.command_args")!);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Spans_OfStartsThatFail_EndOnThePool(bool isPipeline)
    {
        List<bool> onPool = [];
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "UnixLoop",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _ => onPool.Add(Thread.CurrentThread.IsThreadPoolThread),
        };
        ActivitySource.AddActivityListener(listener);
        // From the loop, so that neither it nor the thread that starts instead is one of the pool's.
        Factory.StartOnLoop = isPipeline;
        await Loop.InvokeAsync(async () =>
        {
            await Assert.ThrowsAsync<SubprocessStartException>(() => isPipeline
                ? Factory.RunAsync(new SubprocessPipeline(new("/no/such/program"), new("cat")))
                : RunAsync(new("/no/such/program")));
        }).WaitAsync(TestTimeout);
        Assert.Equal(isPipeline ? 2 : 1, onPool.Count);
        Assert.All(onPool, Assert.True);
    }

    [Theory]
    [InlineData("Sample")]
    [InlineData("ActivityStarted")]
    [InlineData("ActivityStopped")]
    [InlineData("CurrentChanged")]
    public async Task Spans_ListenerThrows_CostsNoRunAndNoLine(string where)
    {
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "UnixLoop",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => where == "Sample" ? throw new InvalidOperationException(where) : ActivitySamplingResult.AllDataAndRecorded,
            ActivityStarted = _ => ThrowIf("ActivityStarted"),
            ActivityStopped = _ => ThrowIf("ActivityStopped"),
        };
        ActivitySource.AddActivityListener(listener);
        Activity.CurrentChanged += OnCurrentChanged;
        try
        {
            Assert.Equal("x\n", (await RunAsync(new("/bin/echo", "x"))).Output);
            await Assert.ThrowsAsync<SubprocessStartException>(() => RunAsync(new("/no/such/program")));
            await foreach (SubprocessLine line in Factory.ReadLinesAsync(Shell("echo x")))
                Assert.Equal("x", line.Text);
        }
        finally
        {
            Activity.CurrentChanged -= OnCurrentChanged; // the process's
        }
        Assert.Null(Activity.Current);

        void OnCurrentChanged(object? sender, ActivityChangedEventArgs change)
        {
            // Of all activities in the process.
            if ((change.Current ?? change.Previous)?.Source.Name == "UnixLoop")
                ThrowIf("CurrentChanged");
        }

        void ThrowIf(string here)
        {
            if (where == here)
                throw new InvalidOperationException(where);
        }
    }

    [Fact]
    public async Task Log_OfAChild_HasItsEvents()
    {
        await RunAsync(new("/bin/true"));
        await Assert.ThrowsAsync<SubprocessStartException>(() => RunAsync(new("/no/such/program")));
        string?[] names = [.. Log.GetSnapshot().Where(record => record.Id.Id is >= 1300 and < 1340).Select(record => record.Id.Name)];
        Assert.Equal(["SubprocessStarted", "SubprocessExited", "SubprocessStartFailed"], names.Where(name => name!.StartsWith("Subprocess", StringComparison.Ordinal)));
    }

    private ActivityListener Listen()
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "UnixLoop",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _spans.Add,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }
}
