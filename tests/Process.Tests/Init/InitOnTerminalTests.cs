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
