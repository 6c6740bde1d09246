using System.Runtime.Versioning;
using UnixLoop.Process.Tests.Children;
using UnixLoop.Process.Tests.Samples;

namespace UnixLoop.Process.Tests.Init;

/// <summary>WorkerApp as PID 1 on a terminal: the program below has the foreground.</summary>
[SupportedOSPlatform("linux")]
public sealed class InitOnTerminalTests
{
    private const string Unshare = "exec unshare --pid --fork --kill-child --mount-proc";

    private const string Talker =
        "trap \"echo got INT\" INT; echo ready; while :; do if read line; then echo \"line: $line\"; fi; if [ \"$line\" = end ]; then exit 5; fi; done";

    [Fact]
    public async Task Rule19_CtrlC_ReachesTheProgramBelowInitOnce()
    {
        await using Terminal terminal = Open();
        terminal.Type(Terminal.CtrlC);
        terminal.Expect("got INT");
        await EndAsync(terminal);
        Assert.Equal(1, terminal.Count("got INT"));
    }

    [Fact]
    public async Task CtrlZ_WithoutAShell_DoesNotHangTheTerminal()
    {
        await using Terminal terminal = Open();
        terminal.Type("one\n");
        terminal.Expect("line: one");
        terminal.Type(Terminal.CtrlZ);
        await EndAsync(terminal);
    }

    /// <summary>Whom the terminal was left to is gone; a command that read then was stopped and continued for ever.</summary>
    [Fact]
    public async Task ForegroundLeftToAGroupThatIsGone_ReadGetsTheTerminal()
    {
        InitProcessTests.RequiresPidNamespace();
        const string Grandchild =
            "import os, signal\nsignal.signal(signal.SIGTTOU, signal.SIG_IGN)\nchild = os.fork()\nif child == 0:\n os.setpgid(0, 0); os.tcsetpgrp(0, os.getpid()); os._exit(0)\n"
            + "os.waitpid(child, 0)\nprint('got', input(), flush=True)";
        string script = Path.Combine(Path.GetTempPath(), $"grandchild-{Environment.ProcessId}.py");
        await File.WriteAllTextAsync(script, Grandchild, TestContext.Current.CancellationToken);
        try
        {
            await using Terminal terminal = Terminal.Open($"{Unshare} {SampleProgram.PathOf("WorkerApp")} init {Requires.Tool("python3")} {script}");
            terminal.Type("hello\n");
            terminal.Expect("got hello");
            Assert.Equal(0, await terminal.WaitForExitAsync());
        }
        finally
        {
            File.Delete(script);
        }
    }

    private static Terminal Open()
    {
        InitProcessTests.RequiresPidNamespace();
        Terminal terminal = Terminal.Open($"{Unshare} {SampleProgram.PathOf("WorkerApp")} run sh -c '{Talker}'");
        terminal.Expect("ready");
        return terminal;
    }

    private static async Task EndAsync(Terminal terminal)
    {
        terminal.Type("two\n");
        terminal.Expect("line: two");
        terminal.Type("end\n");
        Assert.Equal(5, await terminal.WaitForExitAsync());
    }
}
