using System.Globalization;
using System.Text.RegularExpressions;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Process.Tests.Samples;

/// <summary>"WorkerApp run" on a terminal (linux.md, rule 19): the child has the foreground, we follow it through its stops.</summary>
public sealed partial class RunOnTerminalTests : IDisposable
{
    private const int SIGINT = 2;

    /// <summary>Answers lines with "line: …" and INT with "got INT"; ends with code 5 at the line "end".</summary>
    private const string Talker =
        "trap \"echo got INT\" INT; echo ready $$; while :; do if read line; then echo \"line: $line\"; fi; if [ \"$line\" = end ]; then exit 5; fi; done";

    private const string After = "read line; echo \"after $line\"";

    private static readonly string Runner = SampleProgram.PathOf("WorkerApp");

    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Fact]
    public async Task Rule19_CtrlC_ReachesTheChildOnce()
    {
        await using Terminal terminal = OpenTalker();
        ChildOf(terminal);
        terminal.Type(Terminal.CtrlC);
        terminal.Expect("got INT");
        terminal.Type("one\n");
        terminal.Expect("line: one");
        Assert.Equal(1, terminal.Count("got INT"));
        await EndAsync(terminal);
        Assert.Equal(1, terminal.Count("got INT"));
    }

    [Fact]
    public async Task Rule19_SignalToTheRunner_ReachesTheChildOnce()
    {
        await using Terminal terminal = OpenTalker();
        TestLibc.Kill(ParentOf(ChildOf(terminal)), SIGINT);
        terminal.Expect("got INT");
        terminal.Type("one\n");
        terminal.Expect("line: one");
        await EndAsync(terminal);
        Assert.Equal(1, terminal.Count("got INT"));
    }

    [Fact]
    public async Task Rule19_ChildLeadsTheForeground_FromItsFirstRead()
    {
        // A child without the foreground is stopped by its first read: nobody would continue it, and the terminal would stay silent.
        await using Terminal terminal = Terminal.Open(
            $"for i in 1 2 3 4 5 6 7 8; do {Runner} run sh -c 'read line; echo \"child $0 $line\"' $i; done; {After}");
        for (int i = 1; i <= 8; i++)
        {
            terminal.Type("x\n");
            terminal.Expect($"child {i} x");
        }
        terminal.Type("y\n");
        terminal.Expect("after y");
        Assert.Equal(0, await terminal.WaitForExitAsync());
    }

    [Fact]
    public async Task Rule19_Foreground_IsTheChildsAndThenOursAgain()
    {
        await using Terminal terminal = Terminal.Open($"{Runner} run sh -c '{Talker}'; {After}");
        int child = ChildOf(terminal);
        int runner = ParentOf(child);
        Assert.Equal(child, ForegroundOf(runner));
        Assert.NotEqual(GroupOf(runner), GroupOf(child));
        terminal.Type("end\n");
        await AssertForegroundIsTheShellsAsync(terminal);
    }

    [Theory]
    [InlineData("/no/such/program", 127)]
    [InlineData("/etc/passwd", 126)]
    public async Task Rule19_FailedStart_GivesTheForegroundBack(string program, int code)
    {
        await using Terminal terminal = Terminal.Open($"{Runner} run {program}; echo code $?; {After}");
        terminal.Expect($"code {code}");
        await AssertForegroundIsTheShellsAsync(terminal);
    }

    [Fact]
    public async Task Rule19_TimeOut_GivesTheForegroundBack()
    {
        await using Terminal terminal = Terminal.Open($"{Runner} run --timeout 300ms --grace 100ms sh -c 'trap \"\" TERM; while :; do sleep 0.1; done'; echo code $?; {After}");
        terminal.Expect("code 124");
        await AssertForegroundIsTheShellsAsync(terminal);
    }

    [Fact]
    public async Task Rule19_CtrlZ_StopsTheJobAndFgContinuesIt()
    {
        await using Terminal terminal = OpenShell();
        terminal.Type($"{Runner} run sh -c '{Talker}'\n");
        ChildOf(terminal);
        for (int i = 1; i <= 3; i++)
        {
            terminal.Type(Terminal.CtrlZ);
            // The shell has the terminal again, and says so.
            terminal.Expect("Stopped", times: i);
            terminal.Type($"echo shell-{i}-$((40+{i}))\n");
            terminal.Expect($"shell-{i}-{40 + i}");
            terminal.Type("fg\n");
            terminal.Type($"again{i}\n");
            terminal.Expect($"line: again{i}");
        }
        // Ctrl-C goes to the child again.
        terminal.Type(Terminal.CtrlC);
        terminal.Expect("got INT");
        await EndAndLeaveAsync(terminal);
    }

    [Fact]
    public async Task Rule19_Background_StopsAtItsReadAndFgContinuesIt()
    {
        await using Terminal terminal = OpenShell();
        terminal.Type($"{Runner} run sh -c '{Talker}' &\n");
        // The shell tells of a background job before its next prompt.
        Assert.True(Eventually.TryWait(() =>
        {
            terminal.Type("\n");
            return terminal.Count("Stopped") > 0;
        }, TestTimeout), terminal.Screen);
        terminal.Type("fg\n");
        terminal.Type("hello\n");
        terminal.Expect("line: hello");
        await EndAndLeaveAsync(terminal);
    }

    [Fact]
    public async Task Rule19_ChildKilledWhileStopped_LeavesTheTerminalToTheShell()
    {
        await using Terminal terminal = OpenShell();
        terminal.Type($"{Runner} run sh -c '{Talker}'\n");
        ChildOf(terminal);
        int child = ChildOf(terminal);
        terminal.Type(Terminal.CtrlZ);
        terminal.Expect("Stopped");
        terminal.Type($"kill -KILL {child}; bg; wait; echo waited-$((6*7))\n");
        terminal.Expect("waited-42");
        terminal.Type("echo mine-$((5*5))\n");
        terminal.Expect("mine-25");
        await LeaveAsync(terminal);
    }

    [Fact]
    public async Task Rule19_CtrlZWithoutAShell_DoesNotStrandTheJob()
    {
        // We lead the session: nobody could ever continue us.
        await using Terminal terminal = OpenTalker();
        ChildOf(terminal);
        terminal.Type(Terminal.CtrlZ);
        terminal.Type("one\n");
        terminal.Expect("line: one");
        await EndAsync(terminal);
    }

    /// <summary>A talker whose runner leads the session.</summary>
    private static Terminal OpenTalker() => Terminal.Open($"exec {Runner} run sh -c '{Talker}'");

    private static async Task EndAsync(Terminal talker)
    {
        talker.Type("end\n");
        Assert.Equal(5, await talker.WaitForExitAsync());
    }

    private static async Task EndAndLeaveAsync(Terminal shellOfTalker)
    {
        shellOfTalker.Type("end\n");
        shellOfTalker.Type("echo code $?\n");
        shellOfTalker.Expect("code 5");
        await LeaveAsync(shellOfTalker);
    }

    private static async Task LeaveAsync(Terminal shell)
    {
        shell.Type("exit 0\n");
        Assert.Equal(0, await shell.WaitForExitAsync());
    }

    /// <summary>Of a shell that ends with <see cref="After"/>. It is in our group: had we not taken the foreground back, its read would fail or stop it.</summary>
    private static async Task AssertForegroundIsTheShellsAsync(Terminal terminal)
    {
        terminal.Type("z\n");
        terminal.Expect("after z");
        Assert.Equal(0, await terminal.WaitForExitAsync());
    }

    private static Terminal OpenShell()
    {
        Terminal terminal = Terminal.Open($"exec {Requires.Tool("bash")} --norc --noprofile --noediting -i");
        terminal.Type("stty -echo; echo prompt $$\n");
        terminal.Expect(Prompt);
        return terminal;
    }

    /// <summary>Waits until the talker runs, and returns its pid.</summary>
    private static int ChildOf(Terminal terminal) => int.Parse(terminal.Expect(Ready).Groups[1].Value, CultureInfo.InvariantCulture);

    private static int ParentOf(int pid) => Stat(pid, 1);

    private static int GroupOf(int pid) => Stat(pid, 2);

    private static int ForegroundOf(int pid) => Stat(pid, 5);

    /// <summary>A field of /proc/pid/stat, counted from the state (proc_pid_stat(5)).</summary>
    private static int Stat(int pid, int field)
    {
        string line = File.ReadAllText($"/proc/{pid}/stat");
        return int.Parse(line[(line.LastIndexOf(')') + 2)..].Split(' ')[field], CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"ready (\d+)\s")]
    private static partial Regex Ready { get; }

    [GeneratedRegex(@"prompt (\d+)\s")]
    private static partial Regex Prompt { get; }
}
