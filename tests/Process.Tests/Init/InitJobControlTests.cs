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

    /// <summary>As editors do, which put the terminal in order first.</summary>
    [Fact]
    public async Task Rule19_CommandStopsItself_BelowAShell_StopsTheJobAndFgContinuesIt()
    {
        await using Terminal terminal = OpenShell();
        terminal.Type($"{Init} sh -c 'echo re\"\"ady; read line; kill -STOP $$; read line; echo \"line: $line\"; exit 5'\n");
        terminal.Expect("ready");
        terminal.Type("stop\n");
        terminal.Expect("Stopped");
        terminal.Type("fg\n");
        terminal.Type("one\n");
        terminal.Expect("line: one");
        await LeaveAsync(terminal, 5);
    }

    /// <summary>The one above is no shell, and leads the session: nobody else could continue the one below.</summary>
    [Fact]
    public async Task CtrlZ_BelowAnotherInit_WithoutAShell_DoesNotHangTheTerminal()
    {
        await using Terminal terminal = Terminal.Open($"exec {Init} {Init} {Reader}");
        terminal.Expect("ready");
        terminal.Type(Terminal.CtrlZ);
        terminal.Type("one\n");
        terminal.Expect("line: one");
        terminal.Type("end\n");
        Assert.Equal(5, await terminal.WaitForExitAsync());
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
