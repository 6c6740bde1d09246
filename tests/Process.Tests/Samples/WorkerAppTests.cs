using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Process.Tests.Samples;

/// <summary>samples/WorkerApp without arguments, as a user runs it.</summary>
public sealed partial class WorkerAppTests : IDisposable
{
    private const int SIGHUP = 1, SIGUSR1 = 10, SIGTERM = 15;

    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Fact]
    public async Task NoArguments_ShippedJobs_RunAndAreLogged()
    {
        await using SampleProgram worker = SampleProgram.Start(SampleProgram.PathOf("WorkerApp"));
        worker.Expect(line => TickLine.IsMatch(line), "ticker[pid]: tick 2");
        worker.Expect(line => DiskLine.IsMatch(line), "disk[pid]: Filesystem");
        worker.Expect(line => DiskEnd.IsMatch(line), "disk[pid] ended: exit code 0; duration …, CPU time …");

        worker.Kill(SIGTERM);
        Assert.Equal(0, await worker.WaitForExitAsync());
        Assert.Contains(worker.Lines, line => line.Contains("ended: killed by SIGTERM", StringComparison.Ordinal));
    }

    /// <summary>What an orchestrator's log shows last is the mistake, and no trace of a crash.</summary>
    [Fact]
    public async Task Configuration_Mistake_IsTheLastLineAndExitCode1()
    {
        await using SampleProgram worker = SampleProgram.Start("env", ["UnixEventLoop__HealthSocket=h.sock", SampleProgram.PathOf("WorkerApp")]);
        Assert.Equal(1, await worker.WaitForExitAsync());
        worker.Expect("WorkerApp: Property HealthSocket: is 'h.sock'; it must be an absolute path");
        Assert.Equal(0, worker.Count("Unhandled exception"));
    }

    [Theory]
    [InlineData("UnixEventLoop__ShutdownDelay=soon", "'soon' at 'UnixEventLoop:ShutdownDelay'")]
    [InlineData("UnixEventLoop__ReloadOnHangup=maybe", "'maybe' at 'UnixEventLoop:ReloadOnHangup'")]
    [InlineData("Worker__Jobs__disk__Every=often", "'often' at 'Worker:Jobs:disk:Every'")]
    [InlineData("UnixEventLoop__ChildWatcher=none", "'none' at 'UnixEventLoop:ChildWatcher'")]
    public async Task Configuration_ValueOfAWrongType_IsTheLastLineAndExitCode1(string variable, string named)
    {
        await using SampleProgram worker = SampleProgram.Start("env", [variable, SampleProgram.PathOf("WorkerApp")]);
        Assert.Equal(1, await worker.WaitForExitAsync());
        worker.Expect(line => line.StartsWith("WorkerApp: ", StringComparison.Ordinal) && line.Contains(named, StringComparison.Ordinal), named);
        Assert.Equal(0, worker.Count("Unhandled exception"));
    }

    [Fact]
    public async Task Configuration_NoJson_IsTheLastLineAndExitCode1()
    {
        using WorkerFolder folder = new();
        folder.Replace("{ this is no JSON");
        await using SampleProgram worker = SampleProgram.Start(folder.Program);
        Assert.Equal(1, await worker.WaitForExitAsync());
        worker.Expect("WorkerApp: Failed to load configuration from file");
        Assert.Equal(0, worker.Count("Unhandled exception"));
    }

    [Fact]
    public async Task Hup_EditedFile_IsAppliedAndNotBefore()
    {
        using WorkerFolder folder = new();
        folder.SetJobs(("kept", "echo kept; exec sleep 1000", null), ("gone", "echo gone; exec sleep 1000", null));
        await using SampleProgram worker = SampleProgram.Start(folder.Program);
        worker.Expect("]: kept");
        worker.Expect("]: gone");

        folder.SetJobs(("kept", "echo kept; exec sleep 1000", null), ("new", "echo new; exec sleep 1000", null), ("probe", "echo probe", "00:00:00.2"));
        Assert.DoesNotContain(Descriptors(worker.Id), target => target.Contains("inotify", StringComparison.Ordinal));
        worker.Kill(SIGUSR1);
        worker.Expect("Children: 2 running");
        Assert.Equal(0, worker.Count("]: new"));

        worker.Kill(SIGHUP);
        worker.Expect("Configuration applied: 1 periodic jobs started, 0 stopped, 0 kept");
        worker.Expect("Supervised processes after the reload: 1 added, 1 removed, 0 changed, 1 kept.");
        worker.Expect("]: new");
        worker.Expect(line => line.Contains("gone[", StringComparison.Ordinal) && line.Contains("killed by SIGTERM", StringComparison.Ordinal), "gone[pid] ended");
        Assert.True(Eventually.TryWait(() => worker.Count("]: probe") >= 3, TestTimeout), worker.ToString());
        Assert.Equal(1, worker.Count("]: kept"));

        worker.Kill(SIGTERM);
        Assert.Equal(0, await worker.WaitForExitAsync());
    }

    [Fact]
    public async Task Hup_BrokenFile_KeepsTheJobsAndSaysSo()
    {
        using WorkerFolder folder = new();
        folder.SetJobs(("alive", "while :; do echo alive; sleep 0.2; done", null));
        await using SampleProgram worker = SampleProgram.Start(folder.Program);
        worker.Expect("]: alive");

        folder.Replace("{ this is no JSON");
        worker.Kill(SIGHUP);
        worker.Expect(line => line.Contains("appsettings.json", StringComparison.Ordinal), "an error that names appsettings.json");
        int alive = worker.Count("]: alive");
        Eventually.True(() => worker.Count("]: alive") > alive + 2, "the job goes on");

        worker.Kill(SIGTERM);
        Assert.Equal(0, await worker.WaitForExitAsync());
    }

    [Fact]
    public async Task Hup_InvalidJob_KeepsTheJobsAndNamesTheMistake()
    {
        using WorkerFolder folder = new();
        folder.SetJobs(("alive", "while :; do echo alive; sleep 0.2; done", null));
        await using SampleProgram worker = SampleProgram.Start(folder.Program);
        worker.Expect("]: alive");

        folder.SetJobs(("alive", "echo changed", "-00:00:01"));
        worker.Kill(SIGHUP);
        worker.Expect("Worker:Jobs:alive:Every is -00:00:01; it must be 00:00:00.0010000 to 49.00:00:00");
        int alive = worker.Count("]: alive");
        Eventually.True(() => worker.Count("]: alive") > alive + 2, "the job goes on");

        // Mended, it is applied.
        folder.SetJobs(("alive", "echo changed", "00:00:01"));
        worker.Kill(SIGHUP);
        worker.Expect("]: changed");

        worker.Kill(SIGTERM);
        Assert.Equal(0, await worker.WaitForExitAsync());
    }

    [Theory]
    [InlineData("""{ "Command": ["echo", "x\u0000y"], "KeepRunning": true }""", @"Worker:Jobs:bad:Command:1 is 'x\0y'")]
    [InlineData("""{ "Command": ["true"], "Every": "60.00:00:00" }""", "Worker:Jobs:bad:Every is 60.00:00:00")]
    [InlineData("""{ "Command": ["true"], "Every": "soon" }""", "Worker:Jobs:bad:Every")]
    public async Task Hup_JobThatCouldNotRun_IsRefusedAndTheWorkerGoesOn(string job, string mistake)
    {
        using WorkerFolder folder = new();
        folder.SetJobs(("alive", "while :; do echo alive; sleep 0.2; done", null));
        await using SampleProgram worker = SampleProgram.Start(folder.Program);
        worker.Expect("]: alive");

        folder.Edit(settings => settings["Worker"]!["Jobs"]!["bad"] = System.Text.Json.Nodes.JsonNode.Parse(job));
        for (int hup = 1; hup <= 2; hup++)
        {
            worker.Kill(SIGHUP);
            Assert.True(Eventually.TryWait(() => worker.Count(mistake) == hup, TestTimeout), worker.ToString());
        }
        int alive = worker.Count("]: alive");
        Eventually.True(() => worker.Count("]: alive") > alive + 2, "the job goes on");
        Assert.Equal(1, worker.Count("] started: sh"));

        worker.Kill(SIGTERM);
        Assert.Equal(0, await worker.WaitForExitAsync());
        worker.Expect("Stopping 1 jobs");
    }

    [Fact]
    public async Task Hup_SeveralFiles_IsAppliedOnceForEachSignal()
    {
        using WorkerFolder folder = new();
        folder.SetJobs(("kept", "echo kept; exec sleep 1000", null), ("now-and-then", "echo then", "01:00:00"));
        await using SampleProgram worker = SampleProgram.Start(folder.Program);
        worker.Expect("]: kept");
        worker.Expect(line => line.Contains("now-and-then[", StringComparison.Ordinal) && line.Contains("ended", StringComparison.Ordinal), "one run");
        for (int hup = 1; hup <= 3; hup++)
        {
            worker.Kill(SIGHUP);
            worker.Expect(line => worker.Count("Configuration applied: 0 periodic jobs started, 0 stopped, 1 kept") >= hup, "applied");
            worker.Kill(SIGUSR1);
            worker.Expect(line => worker.Count("Children: 1 running") >= hup, "statistics");
            Assert.Equal(hup, worker.Count("Configuration applied: 0"));
        }
        worker.Kill(SIGTERM);
        Assert.Equal(0, await worker.WaitForExitAsync());
        Assert.Equal(3, worker.Count("Configuration applied: 0"));
    }

    [Fact]
    public async Task Usr1_Statistics_AreLogged()
    {
        await using SampleProgram worker = SampleProgram.Start(SampleProgram.PathOf("WorkerApp"));
        worker.Expect("tick 1");
        worker.Kill(SIGUSR1);
        worker.Expect(line => LoopLine.IsMatch(line), "Loop unix-loop: N turns, …");
        worker.Expect(line => Regex.IsMatch(line, @"Children: [12] running, [123] started"), "Children: …");
        worker.Expect(line => Regex.IsMatch(line, @"ticker: started 1 times, pid \d+"), "ticker: …");
        worker.Kill(SIGTERM);
        Assert.Equal(0, await worker.WaitForExitAsync());
    }

    /// <summary>The start waits for a lock that somebody else holds (flock(2)), for 2 s.</summary>
    [Fact]
    public async Task Term_InTheStart_EndsWithoutACrash()
    {
        string socket = Path.Combine(Path.GetTempPath(), $"held-{Guid.NewGuid():N}");
        string held = socket + ".lock";
        using (new FileStream(held, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None))
        {
            await using SampleProgram worker = SampleProgram.Start("env", $"UnixEventLoop__HealthSocket={socket}", SampleProgram.PathOf("WorkerApp"));
            worker.Expect("Children are watched by");
            worker.Kill(SIGTERM);
            Assert.Equal(0, await worker.WaitForExitAsync());
            worker.Expect("SIGTERM during start-up: the start is cancelled");
            Assert.Equal(0, worker.Count("Unhandled exception"));
        }
        File.Delete(held);
    }

    [Fact]
    public async Task Term_ObedientChildren_EndsUnderTwoSeconds()
    {
        // The best of three: the machine may be busy with other things once, or twice.
        TimeSpan best = TimeSpan.MaxValue, limit = TimeSpan.FromSeconds(2);
        for (int i = 0; i < 3 && best >= limit; i++)
        {
            TimeSpan taken = await TimeStopAsync(SampleProgram.PathOf("WorkerApp"), "tick 1", "Stopping 2 jobs");
            best = taken < best ? taken : best;
        }
        Assert.InRange(best, TimeSpan.Zero, limit);
    }

    [Fact]
    public async Task Term_StubbornChild_EndsWithinHalfASecondOfItsGrace()
    {
        using WorkerFolder folder = new();
        folder.SetJobs(("stubborn", "trap '' TERM; echo ready; while :; do sleep 0.1; done", null));
        folder.Edit(settings => settings["UnixEventLoop"]!["ChildStopGrace"] = "00:00:01");
        TimeSpan grace = TimeSpan.FromSeconds(1), limit = TimeSpan.Zero, taken = TimeSpan.MaxValue;
        for (int i = 0; i < 5 && taken > limit; i++)
        {
            // Half a second of an idle machine; of a busy one twice what an obedient child's stop takes there right now, but no more than 3 s.
            TimeSpan busy = 2 * await TimeStopAsync(SampleProgram.PathOf("WorkerApp"), "tick 1", "Stopping 2 jobs");
            limit = grace + TimeSpan.FromSeconds(Math.Clamp(busy.TotalSeconds, 0.5, 3));
            taken = await TimeStopAsync(folder.Program, "]: ready", "ended: killed by SIGKILL");
        }
        Assert.InRange(taken, grace, limit);
    }

    /// <summary>From TERM to the exit, once it has said <paramref name="ready"/>; it has then said <paramref name="stopped"/>.</summary>
    private static async Task<TimeSpan> TimeStopAsync(string program, string ready, string stopped)
    {
        await using SampleProgram worker = SampleProgram.Start(program);
        worker.Expect(ready);
        long start = Stopwatch.GetTimestamp();
        worker.Kill(SIGTERM);
        Assert.Equal(0, await worker.WaitForExitAsync());
        TimeSpan taken = Stopwatch.GetElapsedTime(start);
        worker.Expect(stopped);
        return taken;
    }

    /// <summary>A burst is no reason to lose lines: the log is read, if more slowly than the job writes.</summary>
    [Fact]
    public async Task Log_BurstOfAJob_ArrivesWhole()
    {
        using WorkerFolder folder = new();
        folder.SetJobs(("burst", "seq 20000", "01:00:00"));
        await using SampleProgram worker = SampleProgram.Start(folder.Program);

        _ = Eventually.TryWait(() => worker.Count("]: 20000") > 0, TestTimeout);

        string[] numbers = [.. worker.Lines.Select(line => BurstLine.Match(line)).Where(match => match.Success).Select(match => match.Groups["number"].Value)];
        Assert.Equal(Enumerable.Range(1, 20_000).Select(number => number.ToString(CultureInfo.InvariantCulture)), numbers);
        worker.Kill(SIGTERM);
        Assert.Equal(0, await worker.WaitForExitAsync());
    }

    /// <summary>What waits to be written is the worker's memory, and a line may be long.</summary>
    [Fact]
    public async Task Log_QueueOfTheConfiguration_Counts()
    {
        using WorkerFolder folder = new();
        // Again and again: of lines that were dropped the next one tells that comes through.
        folder.SetJobs(("burst", "seq 20000", "00:00:01"));
        folder.Edit(settings => settings["Logging"]!["Console"]!["MaxQueueLength"] = 1);
        await using SampleProgram worker = SampleProgram.Start(folder.Program);
        worker.Expect("burst[");
        worker.ExpectSoon(() => worker.Lines.Any(line => line.Contains("dropped because of queue size limit", StringComparison.Ordinal)));
        worker.Kill(SIGTERM);
        Assert.Equal(0, await worker.WaitForExitAsync());
    }

    /// <summary>A pipe that is full, and whose reader reads no more: the jobs go on, and the stop comes to its end. More lines than the log keeps.</summary>
    [Fact]
    public async Task Term_NobodyReadsTheLog_EndsAllTheSame()
    {
        using WorkerFolder folder = new();
        string done = Path.Combine(Path.GetDirectoryName(folder.Program)!, "done");
        folder.SetJobs(("talks", $"seq 400000; : > {done}; exec sleep 1000", "01:00:00"), ("kept", "exec sleep 1000", null));
        using System.Diagnostics.Process worker = System.Diagnostics.Process.Start(new ProcessStartInfo(folder.Program) { RedirectStandardOutput = true })!;
        try
        {
            Eventually.True(() => File.Exists(done), "the job has written all");

            TestLibc.Kill(worker.Id, SIGTERM);

            await worker.WaitForExitAsync().WaitAsync(TestTimeout);
            Assert.Equal(0, worker.ExitCode);
        }
        finally
        {
            worker.Kill(entireProcessTree: true);
        }
    }

    [Fact]
    public async Task Jobs_ProgramThatIsMissing_IsReportedAndTheOthersRun()
    {
        using WorkerFolder folder = new();
        folder.SetJobs(("fine", "echo fine; exec sleep 1000", null));
        folder.Edit(settings => settings["Worker"]!["Jobs"]!["missing"] = new System.Text.Json.Nodes.JsonObject
        {
            ["Command"] = new System.Text.Json.Nodes.JsonArray("no-such-program"),
            ["KeepRunning"] = true,
        });
        await using SampleProgram worker = SampleProgram.Start(folder.Program);
        worker.Expect("missing could not be started: ENOENT: can't start 'no-such-program'");
        worker.Expect("]: fine");
        worker.Kill(SIGTERM);
        Assert.Equal(0, await worker.WaitForExitAsync());
    }

    [Fact]
    public async Task Jobs_Mistakes_AreAllListedAtTheStart()
    {
        using WorkerFolder folder = new();
        folder.Edit(settings => settings["Worker"]!["Jobs"] = System.Text.Json.Nodes.JsonNode.Parse(
            """
            {
                "a": { "Command": [], "KeepRunning": true }, "b": { "Command": ["true"] }, "c": null,
                "d": { "Command": ["echo", "x\u0000y"], "KeepRunning": true }, "e": { "Command": ["true"], "Every": "60.00:00:00" }
            }
            """));
        await using SampleProgram worker = SampleProgram.Start(folder.Program);
        Assert.NotEqual(0, await worker.WaitForExitAsync());
        worker.Expect("Worker:Jobs:a:Command is empty");
        worker.Expect("Worker:Jobs:b must have either Every or KeepRunning: true");
        worker.Expect(@"Worker:Jobs:d:Command:1 is 'x\0y'; an argument can't hold a NUL");
        worker.Expect("Worker:Jobs:e:Every is 60.00:00:00; it must be 00:00:00.0010000 to 49.00:00:00");
    }

    [Fact]
    public async Task Metrics_ConsoleExporter_ShowsTheLoopsInstruments()
    {
        await using SampleProgram worker = SampleProgram.Start(SampleProgram.PathOf("WorkerApp"), "--metrics");
        worker.Expect("tick 1");
        // The exporter's last batch goes out when the host stops.
        worker.Kill(SIGTERM);
        Assert.Equal(0, await worker.WaitForExitAsync());
        worker.Expect("unixloop.loop.utilization");
        worker.Expect("unixloop.children.started");
    }

    [Fact]
    public async Task Arguments_Unknown_AreAUsageError()
    {
        await using SampleProgram worker = SampleProgram.Start(SampleProgram.PathOf("WorkerApp"), "--nonsense");
        Assert.Equal(2, await worker.WaitForExitAsync());
        worker.Expect("unknown argument '--nonsense'");
        worker.Expect("Usage: WorkerApp");
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("run", "-h")]
    public async Task Arguments_Help_IsNoError(params string[] arguments)
    {
        await using SampleProgram worker = SampleProgram.Start(SampleProgram.PathOf("WorkerApp"), arguments);
        Assert.Equal(0, await worker.WaitForExitAsync());
        worker.Expect("Usage: WorkerApp");
    }

    private static IEnumerable<string> Descriptors(int pid) =>
        Directory.EnumerateFiles($"/proc/{pid}/fd").Select(link => new FileInfo(link).LinkTarget ?? "");

    [GeneratedRegex(@"burst\[\d+\]: (?<number>\d+)$")]
    private static partial Regex BurstLine { get; }

    [GeneratedRegex(@"ticker\[\d+\]: tick 2$")]
    private static partial Regex TickLine { get; }

    [GeneratedRegex(@"disk\[\d+\]: Filesystem")]
    private static partial Regex DiskLine { get; }

    [GeneratedRegex(@"disk\[\d+\] ended: exit code 0; duration 00:00:\d\d(\.\d+)?, CPU time 00:00:00(\.\d+)?$")]
    private static partial Regex DiskEnd { get; }

    [GeneratedRegex(@"Loop unix-loop: \d+ turns, \d+ callbacks, \d+ posts, \d+ ready descriptors, queue \d+, \d+ timers, \d+ watched descriptors, utilization .+, lag ")]
    private static partial Regex LoopLine { get; }
}
