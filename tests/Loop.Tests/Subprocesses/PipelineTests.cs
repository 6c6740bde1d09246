using UnixLoop.Subprocesses;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Loop.Tests.Subprocesses;

public sealed class PipelineTests : SubprocessTest
{
    private readonly HookedWatcher _hooks = new(new PidfdChildWatcher());

    protected override IChildWatcher CreateWatcher() => _hooks;

    [Fact]
    public async Task Run_ThreeMembers_TheLastOnesOutputComesBack()
    {
        SubprocessPipeline pipeline = new(Shell("seq 1 1000"), new("grep", "7"), new("wc", "-l"));
        SubprocessResult result = await RunAsync(pipeline);
        Assert.Equal("271", result.EnsureSuccess().Output.Trim());
        Assert.Equal(3, result.Members.Count);
        Assert.All(result.Members, member => Assert.True(member.Exit.IsSuccess));
        Assert.Empty(result.Members[0].Output);
    }

    [Fact]
    public async Task Run_OfOneMember_IsAsTheMemberAlone()
    {
        SubprocessResult result = await RunAsync(new SubprocessPipeline(Shell("cat; exit 3")), new() { Input = SubprocessInput.FromText("in") });
        Assert.Equal(("in", 3), (result.Output, result.Exit.ExitCode));
        Assert.Equal("'/bin/sh -c cat; exit 3 sh' ended with exit code 3.", Assert.Throws<SubprocessFailedException>(result.EnsureSuccess).Message);
    }

    [Fact]
    public async Task Members_OfASingleRun_AreThatRun()
    {
        SubprocessResult result = await RunAsync(Shell("echo out"));
        Assert.Same(result, Assert.Single(result.Members));
    }

    [Fact]
    public async Task Run_Input_ReachesTheFirstMember()
    {
        byte[] data = new byte[3_000_000];
        new Random(7).NextBytes(data);
        SubprocessResult result = await RunAsync(new SubprocessPipeline(new("cat"), new("cat"), new("cat")), new() { Input = SubprocessInput.FromBytes(data) });
        Assert.True(result.OutputBytes.Span.SequenceEqual(data));
    }

    [Fact]
    public async Task Run_SomeFail_TheLastOfThemDecides()
    {
        SubprocessPipeline pipeline = new(Shell("cat >/dev/null; echo one >&2; exit 1"), Shell("cat >/dev/null; echo two >&2; exit 2"), Shell("cat; echo three >&2"));
        SubprocessResult result = await RunAsync(pipeline);
        Assert.Equal(2, result.Exit.ExitCode);
        Assert.Equal([1, 2, 0], result.Members.Select(member => member.Exit.ExitCode!.Value));
        Assert.Equal(["one\n", "two\n", "three\n"], result.Members.Select(member => member.Error));
        Assert.Equal("one\ntwo\nthree\n", result.Error);
        string message = Assert.Throws<SubprocessFailedException>(result.EnsureSuccess).Message;
        Assert.StartsWith("'/bin/sh -c cat >/dev/null; echo two >&2; exit 2 sh' (2 of 3 in '/bin/sh", message, StringComparison.Ordinal);
        Assert.EndsWith("ended with exit code 2: two", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_ReaderHasEnough_TheWriterEndsBySigPipe()
    {
        SubprocessResult result = await RunAsync(new SubprocessPipeline(new("yes"), new("head", "-n", "1")));
        Assert.Equal("y\n", result.Output);
        Assert.Equal(UnixSignal.Pipe, result.Members[0].Exit.Signal);
        Assert.True(result.Members[1].Exit.IsSuccess);
        Assert.Equal(141, result.Exit.ShellExitCode); // as with pipefail
    }

    [Fact]
    public async Task Run_WriterIsKilled_TheReaderSeesTheEnd()
    {
        SubprocessResult result = await RunAsync(new SubprocessPipeline(Shell("echo begun; kill -KILL $$"), new("cat")));
        Assert.Equal("begun\n", result.Output);
        Assert.Equal(UnixSignal.Kill, result.Exit.Signal);
    }

    [Fact]
    public async Task Run_ErrorAsOutput_GoesToTheNextMember()
    {
        SubprocessStartInfo first = Shell("echo out; echo err >&2");
        first.Error = Stdio.AsOutput;
        SubprocessResult result = await RunAsync(new SubprocessPipeline(first, new("cat")));
        Assert.Equal("out\nerr\n", result.Output);
        Assert.Empty(result.Error);
    }

    [Fact]
    public async Task Run_FilesAtTheEnds_AreTheMembersOwn()
    {
        string source = Path.GetTempFileName(), target = Path.GetTempFileName();
        await File.WriteAllTextAsync(source, "b\na\n");
        SubprocessResult result = await RunAsync(new SubprocessPipeline(new("cat") { Input = Stdio.File(source) }, new("sort") { Output = Stdio.File(target) }));
        Assert.Empty(result.EnsureSuccess().Output);
        Assert.Equal("a\nb\n", await File.ReadAllTextAsync(target));
        File.Delete(source);
        File.Delete(target);
    }

    [Theory, InlineData(0), InlineData(1), InlineData(2)]
    public async Task Run_AMemberCannotStart_LeavesNoneAndSaysWhich(int missing)
    {
        List<int> pids = [];
        _hooks.BeforeAdd = pids.Add;
        SubprocessStartInfo[] members = [new("yes"), new("cat"), Sleep()];
        members[missing] = new("no-such-program-for-tests");
        SubprocessStartException error = await Assert.ThrowsAsync<SubprocessStartException>(() => RunAsync(new SubprocessPipeline(members)));
        Assert.Equal(SubprocessStartError.NotFound, error.Reason);
        Assert.Equal("no-such-program-for-tests", error.FileName);
        Assert.EndsWith($" ({missing + 1} of 3 in '{string.Join<SubprocessStartInfo>(" | ", members)}')", error.Message, StringComparison.Ordinal);
        Assert.Equal(missing, pids.Count);
        Assert.All(pids, pid => Assert.Null(StateOf(pid)));
    }

    [Fact]
    public async Task Run_OnTheLoop_GoesOnThere()
    {
        (string output, bool onLoop) = await Loop.InvokeAsync(async () =>
        {
            SubprocessResult result = await Factory.RunAsync(new SubprocessPipeline(Shell("echo out"), new("cat")));
            return (result.Output, Loop.IsOnLoopThread);
        }).WaitAsync(TestTimeout);
        Assert.Equal(("out\n", true), (output, onLoop));
    }

    [Theory, InlineData("cat"), InlineData("no-such-program-for-tests")]
    public async Task Run_OnTheLoopWithoutItsContext_NeverContinuesOnTheLaunchThread(string second)
    {
        bool onLaunchThread = await Loop.InvokeAsync(async () =>
        {
            Task run = Factory.RunAsync(new SubprocessPipeline(Shell("exit 0"), new(second)));
            await run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return LaunchThread.IsCurrent || Loop.IsOnLoopThread;
        }).WaitAsync(TestTimeout);
        Assert.False(onLaunchThread);
    }

    [Fact]
    public async Task Cancel_WhileTheyRun_EndsAllAndThrows()
    {
        List<int> pids = [];
        _hooks.BeforeAdd = pids.Add;
        using var cancel = new CancellationTokenSource();
        Task<SubprocessResult> run = RunAsync(new SubprocessPipeline(Sleep(), new("cat"), Sleep()), cancellationToken: cancel.Token);
        Eventually.True(() => pids.Count == 3, "all have started");
        await cancel.CancelAsync();
        Assert.Equal(cancel.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run)).CancellationToken);
        Assert.All(pids, pid => Assert.Null(StateOf(pid)));
    }

    [Theory, InlineData(0), InlineData(1), InlineData(2)]
    public async Task Cancel_AfterASpawn_LeavesNone(int member)
    {
        List<int> pids = [];
        using var cancel = new CancellationTokenSource();
        _hooks.BeforeAdd = pid =>
        {
            pids.Add(pid);
            if (pids.Count == member + 1)
                cancel.Cancel();
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunAsync(new SubprocessPipeline(Sleep(), Sleep(), Sleep()), cancellationToken: cancel.Token));
        Assert.Equal(member + 1, pids.Count);
        Assert.All(pids, pid => Assert.Null(StateOf(pid)));
    }

    [Fact]
    public async Task Run_GrandchildHoldsAnErrorPipe_EndsAtTheDrainBound()
    {
        SubprocessResult result = await RunAsync(
            new SubprocessPipeline(Shell("sleep 1000 >/dev/null & echo $!"), new("cat")), new() { DrainBound = TimeSpan.FromMilliseconds(50) });
        Assert.True(result.Truncated);
        Assert.True(result.Exit.IsSuccess);
        TestSupport.Interop.TestLibc.Kill(int.Parse(result.Output, System.Globalization.CultureInfo.InvariantCulture), 9);
    }

    [Fact]
    public async Task Rule13_JoinedPipes_AreGrownWithinTheBudgetAndReturnIt()
    {
        // A budget of its own: handles that other tests have dropped return their pages to the shared one whenever they are collected.
        const int Pages = 1000;
        PipeBudget budget = new(Pages);
        int within = 0;
        _hooks.BeforeAdd = _ => within = Math.Max(within, Pages - budget.PagesLeft);
        SubprocessLauncher launcher = new(new SubprocessServices(Loop, Watcher) { Budget = budget });
        SubprocessStartInfo small = new("cat") { PipeCapacity = 4096 };
        await PipelineRun.RunAsync(launcher, [new("cat"), small, new("cat")], new(), recordArguments: false, CancellationToken.None).WaitAsync(TestTimeout);
        Assert.Equal(64, within);
        Eventually.True(() => budget.PagesLeft == Pages, "the budget has its pages back");
    }

    [Fact]
    public async Task Members_WithStreamsOfTheirOwn_AreRefusedByName()
    {
        SubprocessPipeline input = new(new("cat"), new("cat") { Input = Stdio.Null });
        Assert.StartsWith("'cat' is 2 of 2 in a pipeline, and its Input is 'null'", (await Assert.ThrowsAsync<ArgumentException>(() => RunAsync(input))).Message, StringComparison.Ordinal);
        SubprocessPipeline output = new(new("cat") { Output = Stdio.Inherit }, new("cat"));
        Assert.Contains("its Output is 'inherit'", (await Assert.ThrowsAsync<ArgumentException>(() => RunAsync(output))).Message, StringComparison.Ordinal);
        SubprocessPipeline piped = new(new("cat") { Input = Stdio.Pipe }, new("cat"));
        Assert.Contains("Input", (await Assert.ThrowsAsync<ArgumentException>(() => RunAsync(piped))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new SubprocessPipeline());
        Assert.Throws<ArgumentException>(() => new SubprocessPipeline(new SubprocessStartInfo("cat"), null!));
    }

    [Fact]
    public async Task ReadLines_OfAPipeline_HasTheLastOnesLinesAndEverybodysErrors()
    {
        List<SubprocessLine> lines = await LinesAsync(new(Shell("echo out; echo first >&2"), Shell("cat; echo second >&2")));
        Assert.Equal(["out"], lines.Where(line => !line.IsError).Select(line => line.Text));
        Assert.Equal(["first", "second"], lines.Where(line => line.IsError).Select(line => line.Text).Order());
    }

    [Fact]
    public async Task ReadLines_AMemberFails_ThrowsWithItsError()
    {
        SubprocessFailedException error = await Assert.ThrowsAsync<SubprocessFailedException>(() =>
            LinesAsync(new(Shell("echo why >&2; exit 4"), Shell("cat; echo other >&2"))));
        Assert.Equal(4, error.Exit.ExitCode);
        Assert.EndsWith("ended with exit code 4: why", error.Message, StringComparison.Ordinal);
        Assert.Contains("(1 of 2 in '", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadLines_LeftEarly_StopsAll()
    {
        List<int> pids = [];
        _hooks.BeforeAdd = pids.Add;
        async Task LeaveAsync()
        {
            await foreach (SubprocessLine line in Factory.ReadLinesAsync(new SubprocessPipeline(Shell("echo one; exec sleep 1000"), new("cat"))))
            {
                Assert.Equal("one", line.Text);
                break;
            }
        }
        await LeaveAsync().WaitAsync(TestTimeout);
        Assert.Equal(2, pids.Count);
        Assert.All(pids, pid => Assert.Null(StateOf(pid)));
    }

    private Task<SubprocessResult> RunAsync(SubprocessPipeline pipeline, SubprocessRunOptions? options = null, CancellationToken cancellationToken = default) =>
        Factory.RunAsync(pipeline, options, cancellationToken).WaitAsync(TestTimeout, CancellationToken.None);

    private async Task<List<SubprocessLine>> LinesAsync(SubprocessPipeline pipeline)
    {
        async Task<List<SubprocessLine>> ReadAsync()
        {
            List<SubprocessLine> lines = [];
            await foreach (SubprocessLine line in Factory.ReadLinesAsync(pipeline))
                lines.Add(line);
            return lines;
        }
        return await ReadAsync().WaitAsync(TestTimeout);
    }
}
