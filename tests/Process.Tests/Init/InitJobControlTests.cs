using System.Runtime.Versioning;
using UnixLoop.Process.Tests.Samples;

namespace UnixLoop.Process.Tests.Init;

/// <summary>An init and its command as one job of an interactive shell, whoever of them has the terminal.</summary>
[SupportedOSPlatform("linux")]
public sealed class InitJobControlTests
{
    private const string Reader = "sh -c 'echo re\"\"ady; while read line; do echo \"line: $line\"; [ \"$line\" = end ] && exit 5; done'";

    [Fact]
    public async Task Rule19_CtrlZ_BelowAShell_StopsTheJobAndFgContinuesIt()
    {
        await using Terminal terminal = OpenShell();
        terminal.Type($"{Init} {Reader}\n");
        terminal.Expect("ready");
        terminal.Type(Terminal.CtrlZ);
        terminal.Expect("Stopped");
        terminal.Type("fg\n");
        await EndReaderAsync(terminal);
    }

    [Fact]
    public async Task Rule19_ReadFromTheBackground_StopsTheJobAndFgContinuesIt()
    {
        await using Terminal terminal = OpenShell();
        terminal.Type($"{Init} {Reader}\n");
        terminal.Expect("ready");
        terminal.Type(Terminal.CtrlZ);
        terminal.Expect("Stopped");
        terminal.Type("bg\n");
        terminal.Expect("Stopped", times: 2);
        terminal.Type("fg\n");
        await EndReaderAsync(terminal);
    }

    [Fact]
    public async Task Rule19_StartedInTheBackground_FgGivesItTheTerminal()
    {
        await using Terminal terminal = OpenShell();
        terminal.Type($"{Init} {Reader} &\n");
        terminal.Expect("Stopped");
        terminal.Type("fg\n");
        await EndReaderAsync(terminal);
    }

    [Fact]
    public async Task Rule19_CtrlZ_InputFromElsewhere_StopsTheJobAndFgContinuesIt()
    {
        await using Terminal terminal = OpenShell();
        terminal.Type($"{Init} sh -c 'echo re\"\"ady; exec sleep 1000' </dev/null\n");
        terminal.Expect("ready");
        terminal.Type(Terminal.CtrlZ);
        terminal.Expect("Stopped");
        terminal.Type("fg\n");
        terminal.Expect("sleep 1000", times: 3); // typed, stopped, continued
        terminal.Type(Terminal.CtrlC);
        await LeaveAsync(terminal, 130);
    }

    private static string Init => $"{SampleProgram.PathOf("WorkerApp")} init";

    private static Terminal OpenShell()
    {
        Requires.Tool("bash");
        Terminal terminal = Terminal.Open("exec bash --norc --noprofile -i");
        terminal.Type("PS1='p''rompt> '; set -b\n");
        terminal.Expect("prompt> ");
        return terminal;
    }

    private static async Task EndReaderAsync(Terminal terminal)
    {
        terminal.Type("one\n");
        terminal.Expect("line: one");
        terminal.Type("end\n");
        terminal.Expect("line: end");
        await LeaveAsync(terminal, 5);
    }

    private static async Task LeaveAsync(Terminal terminal, int code)
    {
        terminal.Type("echo code is $?\n");
        terminal.Expect($"code is {code}");
        terminal.Type("exit 0\n");
        Assert.Equal(0, await terminal.WaitForExitAsync());
    }
}
