using UnixLoop.Interop;
using UnixLoop.Subprocesses;

namespace UnixLoop.Loop.Tests.Spawning;

/// <summary>A terminal of the child's own, whatever makes the child.</summary>
public sealed class TerminalSpawnTests : SpawningTest
{
    [Theory, MemberData(nameof(Spawned.Ways), MemberType = typeof(Spawned))]
    public void Start_Terminal_IsTheControllingOne(string way)
    {
        Stdio terminal = Stdio.Pty(columns: 90, rows: 30);
        SubprocessStartInfo info = new("sh", "-c", "tty -s && stty size </dev/tty && ls -1 /proc/self/fd && echo error >&2");
        SpawnedChild child = Spawner.Start(info, terminal, terminal, terminal, logger: null, Spawned.Features(way));
        Assert.NotNull(child.InputWriteEnd);
        Assert.Null(child.ErrorReadEnd);
        Assert.True(child.LeadsGroup);
        int code = Spawned.WaitFor(child);
        child.Terminal!.Dispose();
        string[] lines = Spawned.ReadToEnd(child.OutputReadEnd!).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        child.InputWriteEnd.Dispose();
        child.Pidfd?.Dispose();
        Assert.Equal(0, code);
        Assert.Equal(["30 90", "0", "1", "2", "3", "error"], lines); // 3 is ls(1)'s own
    }

    [Theory, MemberData(nameof(Spawned.Ways), MemberType = typeof(Spawned))]
    public void Rule22_Terminal_HasNoEndWhileWeHoldIt(string way)
    {
        SpawnedChild child = Spawner.Start(new SubprocessStartInfo("sh", "-c", "exec >&- 2>&-; read line"), Stdio.Pipe, Stdio.Pty(), Stdio.AsOutput, logger: null, Spawned.Features(way));
        Assert.True(Eventually.TryWait(() => Directory.GetFileSystemEntries($"/proc/{child.Pid}/fd").Length == 1, TestTimeout), "it has not let go of its terminal");
        Assert.Equal(Tmds.Linux.LibC.EAGAIN, Libc.Read(child.OutputReadEnd!.Descriptor, new byte[1]).Errno);
        Spawned.Write(child.InputWriteEnd!, "\n");
        Assert.Equal(0, Spawned.WaitFor(child));
        child.Terminal!.Dispose();
        Assert.Equal("", Spawned.ReadToEnd(child.OutputReadEnd));
        child.Pidfd?.Dispose();
    }
}
