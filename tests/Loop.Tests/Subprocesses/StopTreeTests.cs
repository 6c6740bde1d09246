using System.Globalization;
using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Loop.Tests.Subprocesses;

public class StopTreeTests : SubprocessTest
{
    private const string Stubborn = "sh -c 'trap \"\" TERM; echo $$; while :; do sleep 0.05; done'";

    [Fact]
    public async Task StopTree_GrandchildThatIgnoresTerm_GoesWithTheGroup()
    {
        await using ISubprocess child = await StartAsync(PipedShell($"{Stubborn} & wait"));
        int grandchild = await ReadPidAsync(child);
        (ChildExitStatus exit, IReadOnlyList<SurvivingProcess> survivors) = await StopAsync(child, TestTimeout);
        Assert.Equal(UnixSignal.Term, exit.Signal);
        Assert.Empty(survivors);
        Assert.True(IsGone(grandchild));
    }

    [Fact]
    public async Task StopTree_NoGrace_KillsAll()
    {
        await using ISubprocess child = await StartAsync(PipedShell($"trap '' TERM; {Stubborn} & wait"));
        int grandchild = await ReadPidAsync(child);
        (ChildExitStatus exit, IReadOnlyList<SurvivingProcess> survivors) = await StopAsync(child, TimeSpan.Zero);
        Assert.Equal(UnixSignal.Kill, exit.Signal);
        Assert.Empty(survivors);
        Assert.True(IsGone(grandchild));
    }

    [Fact]
    public async Task StopTree_GrandchildInASessionOfItsOwn_LivesAndIsToldOf()
    {
        string setsid = Requires.Tool("setsid");
        await using ISubprocess child = await StartAsync(PipedShell($"{setsid} sh -c 'echo $$; exec sleep 1000' & wait"));
        int outside = await ReadPidAsync(child);
        Eventually.True(() => ProcessEntry.Read(outside) is { Name: "sleep" }, "it has become sleep");
        (_, IReadOnlyList<SurvivingProcess> survivors) = await StopAsync(child, TestTimeout);
        Assert.Equal([new SurvivingProcess(outside, "sleep")], survivors);
        Assert.False(IsGone(outside));
        TestLibc.Kill(outside, 9);
    }

    [Fact]
    public async Task StopTree_WhatTheSurvivorStarts_IsToldOfToo()
    {
        string setsid = Requires.Tool("setsid");
        await using ISubprocess child = await StartAsync(PipedShell($"{setsid} sh -c 'sleep 1000 & echo $$ $!; wait' & wait"));
        (int outside, int below) = await ReadPidsAsync(child);
        (_, IReadOnlyList<SurvivingProcess> survivors) = await StopAsync(child, TimeSpan.Zero);
        Assert.Equal(new[] { outside, below }.Order(), survivors.Select(survivor => survivor.Id));
        TestLibc.Kill(below, 9);
        TestLibc.Kill(outside, 9);
    }

    [Fact]
    public async Task StopTree_LeaderOfASession_TakesItsOtherGroupsAlong()
    {
        SubprocessStartInfo info = WithJobControl($"{Stubborn} & wait");
        info.ProcessGroup = ProcessGroup.NewSession;
        await using ISubprocess child = await StartAsync(info);
        int job = await ReadPidAsync(child);
        Assert.NotEqual(child.Id, ProcessEntry.Read(job)!.Value.Group);
        Assert.Equal(child.Id, ProcessEntry.Read(job)!.Value.Session);
        (_, IReadOnlyList<SurvivingProcess> survivors) = await StopAsync(child, TimeSpan.FromSeconds(1));
        Assert.Empty(survivors);
        Assert.True(IsGone(job));
    }

    [Fact]
    public async Task StopTree_JobWithAGroupOfItsOwnInOurSession_IsToldOf()
    {
        await using ISubprocess child = await StartAsync(WithJobControl("sleep 1000 & echo $!; wait"));
        int job = await ReadPidAsync(child);
        (_, IReadOnlyList<SurvivingProcess> survivors) = await StopAsync(child, TimeSpan.Zero);
        Assert.Equal(job, Assert.Single(survivors).Id);
        TestLibc.Kill(job, 9);
    }

    [Fact]
    public async Task StopTree_ControlGroup_TakesThoseAlongThatHaveLeftTheSession()
    {
        string setsid = Requires.Tool("setsid");
        using TestCgroup? cgroup = TestCgroup.TryCreate();
        Requires.That(cgroup is not null, "a control group file system (cgroup2) that may be written");
        SubprocessStartInfo info = PipedShell($"{setsid} sh -c 'echo $$; exec sleep 1000' & wait");
        info.Attributes = new() { Cgroup = cgroup!.Path };
        Requires.That(info.Attributes.WhyUnavailable() is null, "the native helper");
        await using ISubprocess child = await StartAsync(info);
        int outside = await ReadPidAsync(child);
        (_, IReadOnlyList<SurvivingProcess> survivors) = await StopAsync(child, TestTimeout);
        Assert.Empty(survivors);
        Assert.True(IsGone(outside));
    }

    [Fact]
    public async Task Rule05_ChildInOurOwnGroup_NobodyElseIsSignalled()
    {
        SubprocessStartInfo info = PipedShell("sleep 1000 & echo $!; wait");
        info.ProcessGroup = ProcessGroup.Inherit;
        await using ISubprocess child = await StartAsync(info);
        int grandchild = await ReadPidAsync(child);
        await using ISubprocess sibling = await StartAsync(new("/bin/sleep", "1000") { ProcessGroup = ProcessGroup.Inherit });
        (_, IReadOnlyList<SurvivingProcess> survivors) = await StopAsync(child, TimeSpan.Zero);
        Assert.Equal(grandchild, Assert.Single(survivors).Id);
        Assert.Null(sibling.ExitStatus);
        TestLibc.Kill(grandchild, 9);
    }

    [Fact]
    public async Task StopTree_OfOneThatHasEnded_TellsItsExit()
    {
        await using ISubprocess child = await StartAsync(Shell("exit 3"));
        await ExitOf(child);
        (ChildExitStatus exit, IReadOnlyList<SurvivingProcess> survivors) = await StopAsync(child, TestTimeout);
        Assert.Equal(3, exit.ExitCode);
        Assert.Empty(survivors);
    }

    [Fact]
    public async Task StopTree_ForkingWhileItIsStopped_NobodyInsideSurvives()
    {
        // Each generation starts the next one and ends: the group's kill has to catch whoever is there.
        await using ISubprocess child = await StartAsync(PipedShell("f() { sleep 0.01; f & }; f & echo $!; wait; exec sleep 1000"));
        await ReadPidAsync(child);
        await StopAsync(child, TimeSpan.Zero);
        Eventually.True(() => !ProcessTable.Read().Exists(entry => entry.IsAlive && entry.Group == child.Id), "the group is empty");
    }

    [Theory]
    [InlineData("12 (sh) S 1 12 11 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 99", "sh", 'S', 1, 12, 11, 4711)]
    [InlineData("12 (a) Z (b) c) Z 7 8 9 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 1 99", "a) Z (b) c", 'Z', 7, 8, 9, 1)]
    public void Parse_LinesOfProc_AreUnderstood(string line, string name, char state, int parent, int group, int session, long start) =>
        Assert.Equal(new ProcessEntry(12, name, state, parent, group, session, start), ProcessEntry.Parse(line));

    private static Task<(ChildExitStatus, IReadOnlyList<SurvivingProcess>)> StopAsync(ISubprocess child, TimeSpan grace) =>
        child.StopTreeAsync(grace).WaitAsync(TestTimeout);

    /// <summary>Gives each job a group of its own, in the same session (dash does so with a terminal alone).</summary>
    private static SubprocessStartInfo WithJobControl(string script) =>
        new(Requires.Tool("bash"), "-c", $"set -m; {script}") { Input = Stdio.Null, Output = Stdio.Pipe, Error = Stdio.Pipe };

    private static async Task<(int First, int Second)> ReadPidsAsync(ISubprocess child)
    {
        string[] pids = (await ReadLineAsync(child)).Split(' ');
        return (int.Parse(pids[0], CultureInfo.InvariantCulture), int.Parse(pids[1], CultureInfo.InvariantCulture));
    }

    private static async Task<string> ReadLineAsync(ISubprocess child)
    {
        System.IO.Pipelines.ReadResult read = await child.Output.ReadAsync().AsTask().WaitAsync(TestTimeout);
        string line = System.Text.Encoding.ASCII.GetString(read.Buffer.FirstSpan).Trim();
        child.Output.AdvanceTo(read.Buffer.End);
        return line;
    }
}
