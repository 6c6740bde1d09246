using System.Globalization;
using System.Runtime.Versioning;
using UnixLoop.Process.Tests.Children;
using UnixLoop.Process.Tests.Samples;

namespace UnixLoop.Process.Tests.Init;

/// <summary>"WorkerApp init", as PID 1 of a namespace of its own or below whoever started it.</summary>
[SupportedOSPlatform("linux")]
public sealed class InitCommandTests
{
    private static readonly string[] Unshare = ["--pid", "--fork", "--kill-child", "--mount-proc"];

    [Theory]
    [InlineData("exit 0", 0)]
    [InlineData("exit 7", 7)]
    [InlineData("kill -KILL $$", 137)]
    public async Task End_OfTheCommand_IsPassedOn(string script, int expected)
    {
        await using SampleProgram init = Start("init", "sh", "-c", script);
        Assert.Equal(expected, await init.WaitForExitAsync());
    }

    [Theory]
    [InlineData(127, "no-such-program-anywhere")]
    [InlineData(127, "/no/such/program")]
    [InlineData(126, "/etc/passwd")]
    [InlineData(2, "-x")]
    [InlineData(2, "-gx", "true")]
    [InlineData(2, "-r", "TERM", "true")]
    [InlineData(2, "-sr")]
    [InlineData(2)]
    public async Task Start_Impossible_SaysWhy(int expected, params string[] arguments)
    {
        await using SampleProgram init = Start(["init", .. arguments]);
        Assert.Equal(expected, await init.WaitForExitAsync());
        init.Expect("WorkerApp");
    }

    /// <summary>As in a shell.</summary>
    [Fact]
    public async Task Start_FileThatIsWritten_NameTooLong_OrALoop_Is126()
    {
        string busy = Path.GetTempFileName();
        string loop = busy + ".loop";
        try
        {
            File.Copy("/bin/true", busy, overwrite: true);
            File.SetUnixFileMode(busy, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            File.CreateSymbolicLink(loop, loop);
            await using FileStream writer = new(busy, FileMode.Append);
            foreach (string file in (string[])[busy, loop, "/" + new string('a', 300)])
            {
                await using SampleProgram init = Start("init", file);
                Assert.Equal(126, await init.WaitForExitAsync());
            }
        }
        finally
        {
            File.Delete(busy);
            File.Delete(loop);
        }
    }

    [Theory]
    [InlineData("KILL:TERM", "SIGKILL can't become SIGTERM: the kernel allows no handler for it")]
    [InlineData("STOP:TERM", "SIGSTOP can't become SIGTERM: the kernel allows no handler for it")]
    [InlineData("CHLD:TERM", "SIGCHLD can't become SIGTERM: it tells the init of its own children")]
    [InlineData("TTOU:TERM", "SIGTTOU can't become SIGTERM: it is for those in the background of a terminal")]
    [InlineData("TERM:FOO", "init: 'FOO' of -r is no signal")]
    [InlineData("FOO:TERM", "init: 'FOO' of -r is no signal")]
    [InlineData("TERM:", "init: -r needs two signals such as TERM:QUIT")]
    [InlineData("TERM", "init: -r needs two signals such as TERM:QUIT")]
    public async Task Start_RuleThatCannotBe_SaysWhy(string rule, string why)
    {
        await using SampleProgram init = Start("init", "-r", rule, "true");
        Assert.Equal(2, await init.WaitForExitAsync());
        init.Expect(why);
    }

    /// <summary>Also where no descriptor is left for a duplicate of standard error.</summary>
    [Theory]
    [InlineData(26)]
    [InlineData(30)]
    [InlineData(34)]
    [InlineData(1024)]
    public async Task Start_Impossible_StandardErrorIsAFile_TheNextWriterGoesOnBehind(int limit)
    {
        string file = Path.GetTempFileName();
        try
        {
            await using SampleProgram shell = SampleProgram.Start(
                "/bin/sh", "-c", "exec >\"$0\" 2>&1; echo before; (ulimit -n \"$1\"; exec \"$2\" init /no/such/program); echo after", file, $"{limit}", SampleProgram.PathOf("WorkerApp"));
            Assert.Equal(0, await shell.WaitForExitAsync());

            string[] lines = File.ReadAllLines(file);
            Assert.Equal("before", lines[0]);
            Assert.StartsWith("WorkerApp init: ", lines[1], StringComparison.Ordinal);
            Assert.Equal(["after"], lines[2..]);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>No abort, which would tell nobody why: it runs, or says what it could not get. With fewer the runtime itself does not come up.</summary>
    [Theory]
    [InlineData(26)]
    [InlineData(30)]
    [InlineData(34)]
    [InlineData(36)]
    [InlineData(38)]
    public async Task Start_FewDescriptors_RunsOrSaysWhy(int limit)
    {
        await using SampleProgram init = SampleProgram.Start(Requires.Tool("prlimit"), $"--nofile={limit}", SampleProgram.PathOf("WorkerApp"), "init", "sh", "-c", "exit 7");
        int code = await init.WaitForExitAsync();
        if (code != 7)
        {
            Assert.Equal(125, code);
            init.Expect("WorkerApp init: ");
            // The loader says of EMFILE, too, that a file is missing.
            Assert.All(init.Lines.Where(line => line.Contains("Could not load", StringComparison.Ordinal)), line => Assert.Contains("too few descriptors", line, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Start_ScriptWhoseInterpreterIsMissing_NamesTheInterpreter()
    {
        string script = Path.GetTempFileName();
        try
        {
            File.WriteAllText(script, "#!/no/such/interpreter -x\n");
            File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserExecute);

            await using SampleProgram init = Start("init", script);

            Assert.Equal(127, await init.WaitForExitAsync());
            init.Expect($"the interpreter '/no/such/interpreter' of '{script}' is missing");
        }
        finally
        {
            File.Delete(script);
        }
    }

    [Fact]
    public async Task Start_ScriptWithoutInterpreter_IsTheShells()
    {
        string script = Path.GetTempFileName();
        try
        {
            File.WriteAllText(script, "test \"$1\" = argument && exit 5\n");
            File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserExecute);

            await using SampleProgram init = Start("init", script, "argument");

            Assert.Equal(5, await init.WaitForExitAsync());
        }
        finally
        {
            File.Delete(script);
        }
    }

    // Standard signals coalesce, so each one is awaited before the next.
    [Fact]
    public async Task Signals_EachArrivesOnce()
    {
        await using SampleProgram init = Start("init", "sh", "-c", "trap 'echo got TERM' TERM; trap 'echo got USR1' USR1; trap 'echo got HUP' HUP; trap 'echo got INT' INT; echo ready; while :; do read line && break; done; exit 3");
        init.Expect("ready");
        foreach ((int number, string name) in ((int, string)[])[(15, "TERM"), (10, "USR1"), (1, "HUP"), (2, "INT")])
        {
            init.Kill(number);
            init.Expect($"got {name}");
        }
        await init.Input.WriteLineAsync("end");
        Assert.Equal(3, await init.WaitForExitAsync());
        Assert.Equal(4, init.Count("got "));
    }

    [Theory]
    [InlineData("-r", "TERM:USR2")]
    [InlineData("-rTERM:USR2")]
    [InlineData("-gsr", "TERM:USR2")]
    public async Task Signals_WithRule_AreRewritten(params string[] options)
    {
        await using SampleProgram init = Start(["init", .. options, "sh", "-c", "trap 'echo got TERM; exit 1' TERM; trap 'echo got USR2; exit 4' USR2; echo ready; while :; do read line; done"]);
        init.Expect("ready");
        init.Kill(15);
        Assert.Equal(4, await init.WaitForExitAsync());
        Assert.Equal(0, init.Count("got TERM"));
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 2)]
    public async Task Signals_ToTheGroup_ReachTheCommandsChildren(bool group, int expected)
    {
        // The inner shell says what it gets; the outer one ends when it has ended, or at once.
        const string Script = "sh -c 'trap \"echo got it; exit 0\" USR1; echo inner; while :; do sleep 0.05; done' & trap 'echo got it' USR1; echo outer; wait; wait; kill $! 2>/dev/null; exit 0";
        await using SampleProgram init = Start([.. (string[])(group ? ["init", "-g"] : ["init"]), "sh", "-c", group ? Script : Script.Replace("wait; wait;", "wait;", StringComparison.Ordinal)]);
        init.Expect("inner");
        init.Expect("outer");
        init.Kill(10);
        Assert.Equal(0, await init.WaitForExitAsync());
        Assert.Equal(expected, init.Count("got it"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Orphans_AThousandInBursts_AreReapedAtOnce_AndNobodyElsesChild(bool asPid1)
    {
        // Twenty bursts of fifty, each beside a child of the shell's own, whose status it gets; then the init must be left with one child. Its pid is the shell's parent.
        const string Script = """
            b=0; while [ $b -lt 20 ]; do b=$((b+1)); i=0; while [ $i -lt 50 ]; do i=$((i+1)); (sleep 0.0$b & ) ; done; (exit $b) & wait $!; [ $? = $b ] || echo taken; echo burst $b made; done
            while [ "$(cat /proc/$PPID/task/*/children | wc -w)" -gt 1 ]; do sleep 0.01; done
            echo alone
            """;
        await using SampleProgram init = asPid1 ? StartAsPid1("init", "sh", "-c", Script) : Start("init", "-s", "sh", "-c", Script);
        // Each is waited for: two thousand processes take a loaded machine longer than any one wait may last.
        for (int burst = 1; burst <= 20; burst++)
            init.Expect($"burst {burst} made");
        init.Expect("alone");
        Assert.Equal(0, await init.WaitForExitAsync());
        Assert.Equal(0, init.Count("taken"));
    }

    [Fact]
    public async Task Orphans_Zombie_IsGoneWithin100Milliseconds()
    {
        // The grandchild tells its pid and dies once the line has been read; the init is then looked at from outside.
        await using SampleProgram init = Start("init", "-s", "sh", "-c", "(sh -c 'echo pid $$; exec sleep 1000' &); while :; do read line && break; done");
        init.Expect(line => line.StartsWith("pid ", StringComparison.Ordinal), "pid");
        int orphan = int.Parse(init.Lines.First(line => line.StartsWith("pid ", StringComparison.Ordinal))[4..], CultureInfo.InvariantCulture);
        init.ExpectSoon(() => File.ReadAllText($"/proc/{orphan}/stat").Contains($") S {init.Id} ", StringComparison.Ordinal));
        long best = long.MaxValue;
        long began = System.Diagnostics.Stopwatch.GetTimestamp();
        TestSupport.Interop.TestLibc.Kill(orphan, 9);
        init.ExpectSoon(() => !Directory.Exists($"/proc/{orphan}"));
        best = Math.Min(best, System.Diagnostics.Stopwatch.GetTimestamp() - began);
        Assert.InRange(System.Diagnostics.Stopwatch.GetElapsedTime(0, best), TimeSpan.Zero, TimeSpan.FromMilliseconds(100));
        await init.Input.WriteLineAsync("end");
        Assert.Equal(0, await init.WaitForExitAsync());
    }

    [Fact]
    public async Task Descriptors_OfTheServiceManager_ReachTheCommand()
    {
        string program = SampleProgram.PathOf("WorkerApp");
        await using SampleProgram init = SampleProgram.Start("/bin/sh", "-c", $"exec 3</dev/zero; export LISTEN_FDS=1 NOTIFY_SOCKET=/nobody; exec {program} init sh -c 'readlink /proc/self/fd/3; echo $NOTIFY_SOCKET'");
        init.Expect("/dev/zero");
        init.Expect("/nobody");
        Assert.Equal(0, await init.WaitForExitAsync());
    }

    [Fact]
    public async Task Rule19_CtrlC_ReachesTheCommandOnce()
    {
        await using Terminal terminal = Terminal.Open($"exec {SampleProgram.PathOf("WorkerApp")} init sh -c 'trap \"echo got INT\" INT; echo ready; while :; do if read line; then exit 5; fi; done'");
        terminal.Expect("ready");
        terminal.Type(Terminal.CtrlC);
        terminal.Expect("got INT");
        terminal.Type("end\n");
        Assert.Equal(5, await terminal.WaitForExitAsync());
        Assert.Equal(1, terminal.Count("got INT"));
    }

    private static SampleProgram Start(params string[] arguments) => SampleProgram.Start(SampleProgram.PathOf("WorkerApp"), arguments);

    private static SampleProgram StartAsPid1(params string[] arguments)
    {
        InitProcessTests.RequiresPidNamespace();
        return SampleProgram.Start("unshare", [.. Unshare, SampleProgram.PathOf("WorkerApp"), .. arguments]);
    }
}
