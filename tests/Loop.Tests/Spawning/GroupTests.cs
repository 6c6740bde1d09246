using System.Globalization;
using UnixLoop.Interop;
using UnixLoop.Subprocesses;

namespace UnixLoop.Loop.Tests.Spawning;

public sealed class GroupTests : SpawningTest
{
    [Theory]
    [InlineData(ProcessGroup.Default, true, false)]
    [InlineData(ProcessGroup.New, true, false)]
    [InlineData(ProcessGroup.NewSession, true, true)]
    [InlineData(ProcessGroup.Inherit, false, false)]
    [InlineData(ProcessGroup.Foreground, true, false)] // no terminal here: as New
    public void Rule05_Group_IsTheChildsOwnUnlessInherited(ProcessGroup asked, bool leadsGroup, bool leadsSession)
    {
        SpawnedChild child = Spawned.Start(new SubprocessStartInfo("cat", "/proc/self/stat") { ProcessGroup = asked }, output: Stdio.Pipe);
        string[] stat = Spawned.ReadToEnd(child.OutputReadEnd!).Split(' '); // proc_pid_stat(5): pid (comm) state ppid pgrp session
        int group = int.Parse(stat[4], CultureInfo.InvariantCulture), session = int.Parse(stat[5], CultureInfo.InvariantCulture);
        Assert.Equal(leadsGroup ? child.Pid : Libc.ProcessGroup(), group);
        Assert.Equal(leadsSession, session == child.Pid);
        Assert.Equal(leadsGroup, child.LeadsGroup);
        Assert.False(child.IsTerminalJob);
        Assert.Equal(0, Spawned.Reap(child));
    }
}
