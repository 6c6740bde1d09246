using System.Globalization;
using System.Runtime.Versioning;
using UnixLoop.Init;
using UnixLoop.Interop;
using UnixLoop.Process.Tests.Samples;
using UnixLoop.Process.Tests.Scenarios;

namespace UnixLoop.Process.Tests.Init;

/// <summary>What the command of "WorkerApp init" gets of the signals, told by itself: it blocks all and takes them one by one, so that none is lost or coalesced by a handler.</summary>
[SupportedOSPlatform("linux")]
public sealed class InitSignalTests
{
    private const int SIGUSR1 = 10, SIGUSR2 = 12, SIGTERM = 15, SIGURG = 23;

    /// <summary>Says each signal that comes; TERM ends it with code 3.</summary>
    private const string Receiver = """
        import os, signal, sys
        if "--move" in sys.argv: os.setpgid(0, os.getpgid(os.getppid()))
        taken = set(range(1, 65)) - {4, 5, 6, 7, 8, 9, 11, 13, 17, 19, 32, 33}
        signal.pthread_sigmask(signal.SIG_BLOCK, taken)
        print("ready", flush=True)
        while (got := signal.sigwaitinfo(taken).si_signo) != signal.SIGTERM:
            print("got", got, flush=True)
        sys.exit(3)
        """;

    /// <summary>As the receiver, of USR1 and TERM alone, in what every user may run.</summary>
    private static readonly string[] Shell = ["sh", "-c", "trap 'echo got 10' USR1; trap 'exit 3' TERM; echo ready; while :; do read line && break; done"];

    private static readonly UnixSignal s_realTime = UnixSignal.RealTime(3);

    // The kernel hands out pending standard signals with the lowest number first (signal(7)): the pair is in order whenever its first is passed on first.
    [Fact]
    public async Task Pairs_BackToBack_ArriveInOrder()
    {
        await using SampleProgram init = Start();
        for (int pair = 1; pair <= 100; pair++)
        {
            init.Kill(SIGUSR1);
            init.Kill(SIGUSR2);
            init.ExpectSoon(() => init.Count("got ") == 2 * pair);
        }
        await EndAsync(init);
        Assert.Equal(Enumerable.Repeat((string[])["got 10", "got 12"], 100).SelectMany(static pair => pair), Got(init));
    }

    // In that order the kernel promises nothing but that each comes.
    [Fact]
    public async Task Pairs_HigherNumberFirst_EachArrivesOnce()
    {
        await using SampleProgram init = Start();
        for (int pair = 1; pair <= 100; pair++)
        {
            init.Kill(SIGUSR2);
            init.Kill(SIGUSR1);
            init.ExpectSoon(() => init.Count("got ") == 2 * pair);
        }
        await EndAsync(init);
        Assert.Equal(100, init.Count("got 10"));
        Assert.Equal(100, init.Count("got 12"));
    }

    [Fact]
    public async Task RealTime_Queued_BetweenStandardOnes_NoneIsLost()
    {
        await using SampleProgram init = Start();
        for (int i = 0; i < 50; i++)
        {
            init.Kill(s_realTime.Number);
            init.Kill(SIGUSR1);
        }
        init.ExpectSoon(() => init.Count($"got {s_realTime.Number}") == 50);
        await EndAsync(init);
        Assert.Equal(50, init.Count($"got {s_realTime.Number}"));
        Assert.InRange(init.Count("got 10"), 1, 50);
    }

    /// <summary>Below another user, since no limit of processes holds root.</summary>
    [Theory]
    [InlineData("--nproc=1:")]
    [InlineData("--nofile=1:")]
    public async Task NoThreadOrDescriptorToBeHad_ArePassedOn(string limit)
    {
        string[] asNobody = ["--reuid=65534", "--clear-groups"];
        string program = SampleProgram.PathOf("WorkerApp");
        Requires.Root();
        Requires.That(await RunAsync("setpriv", [.. asNobody, "test", "-x", program]) == 0, "a folder that another user can read");
        await using SampleProgram init = SampleProgram.Start("setpriv", [.. asNobody, program, "init", .. Shell]);
        init.Expect("ready");
        Assert.Equal(0, await RunAsync("setpriv", [.. asNobody, "prlimit", "--pid", init.Id.ToString(CultureInfo.InvariantCulture), limit]));
        for (int i = 1; i <= 200; i++)
        {
            init.Kill(SIGUSR1);
            init.ExpectSoon(() => init.Count("got 10") == i);
        }
        await EndAsync(init);
    }

    [Fact]
    public async Task PassOn_AllocatesNothing()
    {
        const string Blocked = "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGURG]); os.execv(sys.argv[1], sys.argv[1:])";
        await using ScenarioProcess scenario = ScenarioProcess.Start(CountAllocationsAsync, via: [Requires.Tool("python3"), "-c", Blocked]);
        await scenario.EndWellAsync();
    }

    /// <summary>Each is passed on to ourselves, and taken once more.</summary>
    internal static async Task CountAllocationsAsync(string[] args)
    {
        const ulong Urgent = 1UL << (SIGURG - 1);
        InitSignals signals = new(new UnixInitOptions());
        Assert.True(Libc.Kill(Environment.ProcessId, SIGURG).IsSuccess);
        long before = 0;
        for (int i = 0; i < 1_000; i++)
        {
            if (i == 100)
                before = GC.GetAllocatedBytesForCurrentThread();
            signals.PassOn(Libc.WaitForSignal(Urgent).IntValue, Environment.ProcessId);
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        await Scenario.WaitForEndAsync();
    }

    /// <summary>Pending at the start: of an init that finds all signals blocked, and of one that must begin once more for that.</summary>
    [Theory]
    [InlineData("set(range(1, 65)) - {34}")]
    [InlineData("{10}")]
    public async Task BeforeThereIsACommand_WaitForIt(string blocked)
    {
        const string Starter = """
            import os, signal, sys
            signal.pthread_sigmask(signal.SIG_BLOCK, eval(sys.argv[1]))
            os.kill(os.getpid(), signal.SIGUSR1)
            os.execv(sys.argv[2], sys.argv[2:])
            """;
        await using SampleProgram init = SampleProgram.Start(Requires.Tool("python3"), "-c", Starter, blocked, SampleProgram.PathOf("WorkerApp"), "init", "sh", "-c", "read line; exit 7");
        // Its end by USR1, which is pending for the init before the command is there.
        Assert.Equal(128 + SIGUSR1, await init.WaitForExitAsync());
    }

    [Fact]
    public async Task IgnoredAtTheStart_AreNotPassedOn()
    {
        await using SampleProgram init = SampleProgram.Start("env", ["--ignore-signal=USR1", SampleProgram.PathOf("WorkerApp"), "init", .. Command()]);
        init.Expect("ready");
        init.Kill(SIGUSR1);
        init.Kill(SIGUSR2);
        init.Expect("got 12");
        await EndAsync(init);
        Assert.Equal(["got 12"], Got(init));
    }

    // Not SIGPIPE, which the runtime ignores, and not SIGTERM, which it handles, before any code of ours could see what they were: both are at their default in every child.
    [Theory]
    [InlineData("--ignore-signal=USR1,HUP,INT,QUIT")]
    [InlineData("--ignore-signal=USR1,HUP,INT,QUIT,PIPE")]
    [InlineData("--default-signal")]
    public async Task Rule06_Command_IgnoresWhatTheInitFoundIgnored_AndBlocksNothing(string option)
    {
        const ulong Usr1HupIntQuit = 0b10_0000_0111;
        await using SampleProgram init = SampleProgram.Start("env", option, SampleProgram.PathOf("WorkerApp"), "init", "grep", "-E", "Sig(Ign|Blk)", "/proc/self/status");
        Assert.Equal(0, await init.WaitForExitAsync());
        Assert.Equal([0UL, option.StartsWith("--ignore", StringComparison.Ordinal) ? Usr1HupIntQuit : 0UL], init.Lines.Select(Mask));
    }

    [Fact]
    public async Task Rule15_SigChildIgnoredAtTheStart_EndAndOrphansAreSeen()
    {
        const string Script = "orphan=$(sh -c 'sleep 1000 >/dev/null & echo $!'); kill $orphan; while [ -e /proc/$orphan ]; do :; done; exit 7";
        await using SampleProgram init = SampleProgram.Start("env", "--ignore-signal=CHLD", SampleProgram.PathOf("WorkerApp"), "init", "-s", "sh", "-c", Script);
        Assert.Equal(7, await init.WaitForExitAsync());
    }

    /// <summary>The one that waits in sigwaitinfo(2) lets them through meanwhile.</summary>
    [Fact]
    public async Task Threads_OfTheInit_AllBlockWhatItTakes_ButForTheOneThatWaits()
    {
        await using SampleProgram init = Start();
        string[] tasks = Directory.GetDirectories($"/proc/{init.Id}/task");
        Assert.InRange(tasks.Length, 2, int.MaxValue);
        init.ExpectSoon(() => tasks.Count(task => (Blocked(task) & InitSignals.Taken) != InitSignals.Taken) == 1);
        await EndAsync(init);
    }

    [Theory]
    [InlineData("-g")]
    [InlineData("-gs")]
    public async Task ToTheGroup_CommandHasLeftIt_ReachTheCommand(string option)
    {
        await using SampleProgram init = Start([option], "--move");
        init.Kill(SIGUSR1);
        init.Expect("got 10");
        await EndAsync(init);
        Assert.Equal(["got 10"], Got(init));
    }

    /// <summary>As if code that runs before us had opened the mask again: else it would begin for ever.</summary>
    [Fact]
    public async Task SecondImage_SignalsNotBlocked_SaysSo()
    {
        const string Starter = "import os, sys; os.environ['UNIXLOOP_INIT_REEXEC'] = str(os.getpid()); os.execv(sys.argv[1], sys.argv[1:])";
        await using SampleProgram init = SampleProgram.Start(Requires.Tool("python3"), "-c", Starter, SampleProgram.PathOf("WorkerApp"), "init", "true");
        Assert.Equal(125, await init.WaitForExitAsync());
        init.Expect("something before UnixInit has unblocked them");
    }

    /// <summary>The runtime of the second image makes one of the same name as the first one's, and removes it.</summary>
    [Fact]
    public async Task DiagnosticPort_OfTheFirstImage_IsNotLeftBehind()
    {
        await using SampleProgram init = Start();
        string stat = File.ReadAllText($"/proc/{init.Id}/stat");
        string started = stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19];
        string port = Path.Combine(Path.GetTempPath(), $"dotnet-diagnostic-{init.Id}-{started}-socket");
        Assert.True(File.Exists(port));
        await EndAsync(init);
        Assert.False(File.Exists(port));
    }

    /// <summary>Its SIGCHLD has come before the init waits for any.</summary>
    [Fact]
    public async Task Zombie_FromBeforeTheInit_IsReaped()
    {
        const string Starter = """
            import os, sys
            if not os.fork(): os._exit(0)
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            os.execv(sys.argv[1], sys.argv[1:])
            """;
        const string Script = "while [ \"$(cat /proc/$PPID/task/*/children | wc -w)\" -gt 1 ]; do sleep 0.01; done; exit 7";
        await using SampleProgram init = SampleProgram.Start(Requires.Tool("python3"), "-c", Starter, SampleProgram.PathOf("WorkerApp"), "init", "sh", "-c", Script);
        Assert.Equal(7, await init.WaitForExitAsync());
    }

    private static SampleProgram Start() => Start([]);

    private static SampleProgram Start(string[] options, params string[] arguments)
    {
        SampleProgram init = SampleProgram.Start(SampleProgram.PathOf("WorkerApp"), ["init", .. options, .. Command(arguments)]);
        init.Expect("ready");
        return init;
    }

    private static string[] Command(params string[] arguments) => [Requires.Tool("python3"), "-c", Receiver, .. arguments];

    private static async Task EndAsync(SampleProgram init)
    {
        init.Kill(SIGTERM);
        Assert.Equal(3, await init.WaitForExitAsync());
    }

    private static async Task<int> RunAsync(string tool, string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(Requires.Tool(tool), arguments);
        await process.WaitForExitAsync().WaitAsync(TestTimeout);
        return process.ExitCode;
    }

    private static IEnumerable<string> Got(SampleProgram init) => init.Lines.Where(static line => line.StartsWith("got ", StringComparison.Ordinal));

    private static ulong Blocked(string task) => Mask(File.ReadLines($"{task}/status").First(static line => line.StartsWith("SigBlk:", StringComparison.Ordinal)));

    private static ulong Mask(string line) => Convert.ToUInt64(line[(line.IndexOf(':') + 1)..].Trim(), 16);
}
