using System.Diagnostics;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Process.Tests.Samples;

/// <summary>"WorkerApp run" without a terminal.</summary>
public sealed class RunCommandTests : IDisposable
{
    private const int SIGINT = 2, SIGTERM = 15;

    private readonly LeakCheck _leaks = new();
    private readonly string _end = Path.Combine(Path.GetTempPath(), $"run-end-{Guid.NewGuid():N}");

    public void Dispose()
    {
        File.Delete(_end);
        _leaks.Dispose();
    }

    [Theory]
    [InlineData(0, "true")]
    [InlineData(3, "sh", "-c", "exit 3")]
    [InlineData(255, "sh", "-c", "exit 255")]
    [InlineData(128 + 9, "sh", "-c", "kill -KILL $$")]
    [InlineData(128 + 15, "sh", "-c", "kill -TERM $$")]
    [InlineData(127, "no-such-program")]
    [InlineData(127, "/no/such/program")]
    [InlineData(126, "/etc/passwd")]
    [InlineData(126, "/")]
    [InlineData(124, "--timeout", "300ms", "sleep", "100")]
    [InlineData(124, "--timeout", "300ms", "--grace", "100ms", "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done")]
    [InlineData(0, "--timeout", "1h", "true")]
    [InlineData(7, "--", "sh", "-c", "exit 7")]
    [InlineData(2)]
    [InlineData(2, "--timeout")]
    [InlineData(2, "--timeout", "soon", "true")]
    [InlineData(2, "--timeout", "0", "true")]
    [InlineData(2, "--nonsense", "true")]
    public async Task ExitCode_EachEnd_HasItsOwn(int expected, params string[] arguments)
    {
        await using SampleProgram runner = Run(arguments);
        int code = await runner.WaitForExitAsync();
        Assert.True(code == expected, $"exit code {code}, not {expected}:\n{runner}");
    }

    [Fact]
    public async Task Streams_Inherited_AreTheChilds()
    {
        await using SampleProgram runner = Run("sh", "-c", "read line; echo out $line; echo err $line >&2");
        runner.Input.WriteLine("hello");
        Assert.Equal(0, await runner.WaitForExitAsync());
        Assert.Equal(["err hello", "out hello"], runner.Lines.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Rule20_InheritedStreams_StayBlocking()
    {
        await using SampleProgram runner = Run("sh", "-c", "echo ready; read line");
        runner.Expect("ready");
        foreach (int descriptor in (int[])[0, 1, 2])
        {
            string flags = File.ReadLines($"/proc/{runner.Id}/fdinfo/{descriptor}").First(line => line.StartsWith("flags:", StringComparison.Ordinal));
            const int O_NONBLOCK = 0x800;
            Assert.Equal(0, Convert.ToInt32(flags["flags:".Length..].Trim(), 8) & O_NONBLOCK);
        }
        runner.Input.WriteLine();
        Assert.Equal(0, await runner.WaitForExitAsync());
    }

    [Fact]
    public async Task Signals_EachOne_IsPassedOnExactlyOnce()
    {
        (string Name, int Number)[] signals = [("INT", 2), ("TERM", 15), ("HUP", 1), ("QUIT", 3), ("USR1", 10), ("USR2", 12), ("WINCH", 28)];
        await using SampleProgram runner = Run("sh", "-c",
            $"for s in {string.Join(' ', signals.Select(signal => signal.Name))}; do trap \"echo got $s\" $s; done; echo ready; until [ -e {_end} ]; do sleep 0.02; done; exit 9");
        runner.Expect("ready");
        foreach ((string name, int number) in signals)
        {
            runner.Kill(number);
            runner.Expect($"got {name}");
        }
        File.WriteAllText(_end, "");
        Assert.Equal(9, await runner.WaitForExitAsync());
        Assert.All(signals, signal => Assert.Equal(1, runner.Count($"got {signal.Name}")));
    }

    [Fact]
    public async Task Signals_ChildDecides_WhetherItEnds()
    {
        await using SampleProgram runner = Run("sh", "-c", "echo ready; exec sleep 1000");
        runner.Expect("ready");
        runner.Kill(SIGINT);
        Assert.Equal(128 + SIGINT, await runner.WaitForExitAsync());
    }

    [Fact]
    public async Task Grace_WithoutTimeout_LeavesTheChildItsTime()
    {
        // It takes five times the grace to do as TERM says, by its own clock.
        await using SampleProgram runner = Run("--grace", "100ms", "sh", "-c", "trap 'sleep 0.5; exit 9' TERM; echo ready; while :; do sleep 0.02; done");
        runner.Expect("ready");
        runner.Kill(SIGTERM);
        Assert.Equal(9, await runner.WaitForExitAsync());
    }

    [Fact]
    public async Task ExitCode_NoFurtherProcess_Is125()
    {
        // execve(2), EAGAIN: the user of the new process has too many already.
        string program = Requires.Tool("true");
        await using SampleProgram strace = SampleProgram.Start(
            Requires.Tool("strace"), "-f", "-o", _end, "-P", program, "-e", "trace=execve", "-e", "inject=execve:error=EAGAIN", SampleProgram.PathOf("WorkerApp"), "run", program);
        Assert.Equal(125, await strace.WaitForExitAsync());
        strace.Expect($"WorkerApp run: EAGAIN: can't start '{program}': no further process may be made");
    }

    [Fact]
    public async Task Signals_SecondTermBeforeTheChildHasBegun_EndsTheRunner()
    {
        // Held between vfork and exec, as by a file server that does not answer: the runner's thread waits in the kernel.
        string program = Requires.Tool("true");
        await using SampleProgram strace = SampleProgram.Start(
            Requires.Tool("strace"), "-f", "-o", _end, "-P", program, "-e", "trace=execve", "-e", "inject=execve:delay_enter=60s",
            "sh", "-c", "\"$0\" run \"$1\"; echo code $?", SampleProgram.PathOf("WorkerApp"), program);
        int runner = 0;
        Eventually.True(() => (runner = ProcFiles.ChildrenOf(strace.Id).SelectMany(ProcFiles.ChildrenOf).FirstOrDefault(pid => IsWorkerApp(pid) && ProcFiles.ChildrenOf(pid).Length > 0)) != 0, "the runner has a child");
        Eventually.True(
            () =>
            {
                try
                {
                    TestLibc.Kill(runner, SIGTERM);
                    return false;
                }
                catch (IOException)
                {
                    return true; // ESRCH
                }
            },
            "the runner ends");
        strace.Expect($"code {128 + SIGTERM}");
    }

    private static bool IsWorkerApp(int pid) => ProcFiles.Read($"/proc/{pid}/comm").StartsWith("WorkerApp", StringComparison.Ordinal);

    [Fact]
    public async Task Signals_IgnoredAtTheStart_StayIgnored()
    {
        // nohup(1) ignores HUP: the runner can't see it, and the child inherits that.
        await using SampleProgram runner = SampleProgram.Start(Requires.Tool("nohup"), SampleProgram.PathOf("WorkerApp"), "run", "sh", "-c", "kill -HUP $$; echo alive");
        Assert.Equal(0, await runner.WaitForExitAsync());
        runner.Expect("alive");
    }

    [Fact]
    public async Task Timeout_ChildThatEndsInTime_IsNotTimedOut()
    {
        long start = Stopwatch.GetTimestamp();
        await using SampleProgram runner = Run("--timeout", "1m", "sh", "-c", "exit 4");
        Assert.Equal(4, await runner.WaitForExitAsync());
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Timeout_WholeGroup_IsStopped()
    {
        await using SampleProgram runner = Run("--timeout", "500ms", "sh", "-c", "sleep 1000 & echo $!; wait");
        Assert.Equal(124, await runner.WaitForExitAsync());
        int grandchild = int.Parse(runner.Lines[0]);
        Eventually.True(() => !File.Exists($"/proc/{grandchild}/stat") || File.ReadAllText($"/proc/{grandchild}/stat").Contains(") Z ", StringComparison.Ordinal), "the grandchild is gone");
    }

    [Fact]
    public async Task Start_ManyTimes_LosesNoExit()
    {
        await using SampleProgram runner = SampleProgram.Start("sh", "-c",
            $"for i in 1 2 3 4 5 6 7 8 9 10; do {SampleProgram.PathOf("WorkerApp")} run sh -c \"exit $i\"; echo code $?; done");
        await runner.WaitForExitAsync();
        Assert.Equal(Enumerable.Range(1, 10).Select(i => $"code {i}"), runner.Lines);
    }

    private static SampleProgram Run(params string[] arguments) => SampleProgram.Start(SampleProgram.PathOf("WorkerApp"), ["run", .. arguments]);
}
