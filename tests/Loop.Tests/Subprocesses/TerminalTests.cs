using UnixLoop.Interop;

namespace UnixLoop.Loop.Tests.Subprocesses;

/// <summary>Children with a terminal of their own.</summary>
public sealed class TerminalTests : SubprocessTest
{
    [Fact]
    public async Task Start_Terminal_IsTheControllingOneOfASessionOfItsOwn()
    {
        await using ISubprocess child = await StartAsync(OnTerminal("test -t 0 && test -t 1 && test -t 2 && tty && echo through the name >/dev/tty; ps -o sid=,tpgid= -p $$", all: true));
        string[] lines = (await ReadToEndAsync(child.Output)).Split("\r\n");
        Assert.StartsWith("/dev/pts/", lines[0], StringComparison.Ordinal);
        Assert.Equal("through the name", lines[1]);
        Assert.Equal([$"{child.Id}", $"{child.Id}"], lines[2].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(0, (await ExitOf(child)).ReturnCode);
    }

    [Fact]
    public async Task Start_Size_IsTheWindows()
    {
        SubprocessStartInfo info = Shell("stty size");
        info.Input = info.Output = Stdio.Pty(columns: 132, rows: 43);
        await using ISubprocess child = await StartAsync(info);
        Assert.Equal("43 132\r\n", await ReadToEndAsync(child.Output));
    }

    [Fact]
    public async Task Resize_Running_IsSignalledAndSeen()
    {
        // No read: a shell whose read begins just after a signal's handler has run waits for ever.
        await using ISubprocess child = await StartAsync(OnTerminal("trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.01; done"));
        await ExpectAsync(child.Output, "ready\r\n");
        child.Resize(100, 50);
        Assert.Equal("50 100\r\n", await ReadToEndAsync(child.Output));
        await ExitOf(child);
        child.Resize(10, 10); // too late, and harmless
    }

    [Fact]
    public async Task Resize_WithoutATerminal_Throws()
    {
        await using ISubprocess child = await StartAsync(new SubprocessStartInfo("true"));
        Assert.Contains("has no terminal of its own", Assert.Throws<InvalidOperationException>(() => child.Resize(80, 24)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => child.Resize(0, 24));
        await ExitOf(child);
    }

    [Fact]
    public async Task Input_Typed_EchoesAndControlCharactersWork()
    {
        await using ISubprocess child = await StartAsync(OnTerminal("trap 'i=1' INT; echo ready; until test -n \"$i\"; do sleep 0.01; done; echo interrupted; read line; echo got $line; cat; echo end"));
        await ExpectAsync(child.Output, "ready");
        await child.Input.WriteAsync("\x03"u8.ToArray());
        await ExpectAsync(child.Output, "interrupted");
        await child.Input.WriteAsync("hello\n"u8.ToArray());
        await ExpectAsync(child.Output, "got hello");
        await child.Input.WriteAsync("\x04"u8.ToArray());
        await ExpectAsync(child.Output, "end");
        Assert.Equal(0, (await ExitOf(child)).ReturnCode);
    }

    [Fact]
    public async Task Rule22_ChildThatOpensItLate_IsNotMissed()
    {
        // Nobody but us holds the terminal meanwhile: EIO would come at once.
        SubprocessStartInfo info = Shell("exec <&- >&- 2>&-; sleep 0.3; exec >/dev/tty; echo late");
        info.Input = info.Output = info.Error = Stdio.Pty();
        await using ISubprocess child = await StartAsync(info);
        Assert.Equal("late\r\n", await ReadToEndAsync(child.Output));
    }

    [Fact]
    public async Task Rule22_Output_IsReadToItsEnd()
    {
        for (int i = 0; i < 10; i++)
        {
            await using ISubprocess child = await StartAsync(OnTerminal("stty -opost; seq 1 20000"));
            string output = await ReadToEndAsync(child.Output);
            Assert.Equal(string.Concat(Enumerable.Range(1, 20_000).Select(n => $"{n}\n")), output);
            Assert.Equal(0, (await ExitOf(child)).ReturnCode);
        }
    }

    [Fact]
    public async Task Run_Terminal_IsCaptured()
    {
        SubprocessStartInfo info = Shell("test -t 1 && stty size <&1; test -t 0 || echo input is none");
        info.Output = Stdio.Pty();
        SubprocessResult result = await RunAsync(info);
        Assert.Equal("24 80\r\ninput is none\r\n", result.Output);
        info.Input = info.Output;
        await Assert.ThrowsAsync<ArgumentException>(() => RunAsync(info));
    }

    [Fact]
    public async Task Stop_Terminal_EndsItsSession()
    {
        await using ISubprocess child = await StartAsync(OnTerminal("trap '' TERM HUP; echo ready; while :; do sleep 1; done"));
        await ExpectAsync(child.Output, "ready");
        ChildExitStatus exit = await child.StopAsync(TimeSpan.FromMilliseconds(50)).WaitAsync(TestTimeout);
        Assert.Equal(UnixSignal.Kill, exit.Signal);
        await ReadToEndAsync(child.Output);
    }

    [Fact]
    public async Task Start_OtherCombinations_AreRefused()
    {
        SubprocessStartInfo info = Shell("true");
        info.Input = Stdio.Pty();
        await RefusedAsync(info, "the same Stdio.Pty");
        info.Output = Stdio.Pty();
        await RefusedAsync(info, "the same Stdio.Pty");
        info.Input = Stdio.Null;
        info.ProcessGroup = ProcessGroup.Inherit;
        await RefusedAsync(info, "leads a session");
        Assert.Throws<ArgumentOutOfRangeException>(() => Stdio.Pty(columns: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Stdio.Pty(rows: 65_536));
    }

    [Fact]
    public async Task Start_WithAttributes_HasItsTerminalToo()
    {
        Requires.That(SpawnHelper.Missing is null, "the native helper");
        SubprocessStartInfo info = OnTerminal("umask; ps -o tpgid= -p $$; tty </dev/tty");
        info.Attributes = new() { Umask = UnixFileMode.OtherWrite };
        await using ISubprocess child = await StartAsync(info);
        string[] lines = (await ReadToEndAsync(child.Output)).Split("\r\n");
        Assert.Equal(["0002", $"{child.Id}"], lines[..2].Select(line => line.Trim()));
        Assert.Equal("/dev/tty", lines[2]);
    }

    private async Task RefusedAsync(SubprocessStartInfo info, string rule) =>
        Assert.Contains(rule, (await Assert.ThrowsAsync<ArgumentException>(() => StartAsync(info))).Message, StringComparison.Ordinal);

    private static SubprocessStartInfo OnTerminal(string script, bool all = true)
    {
        SubprocessStartInfo info = Shell(script);
        info.Input = info.Output = Stdio.Pty();
        info.Error = all ? info.Output : Stdio.AsOutput;
        return info;
    }
}
