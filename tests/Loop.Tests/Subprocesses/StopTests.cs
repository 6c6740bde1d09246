using System.Globalization;
using Microsoft.Extensions.Time.Testing;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Loop.Tests.Subprocesses;

/// <summary>The ladder, on a fake clock: a grace ends when the test says so.</summary>
public class StopTests : SubprocessTest
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);
    private const string Stubborn = "trap '' TERM; echo ready; while :; do sleep 0.01; done";

    private readonly FakeTimeProvider _clock = new();

    protected override UnixEventLoopSettings Settings => new() { TimeProvider = _clock };

    [Fact]
    public async Task Stop_ObedientChild_EndsByTermWithinTheGrace()
    {
        await using ISubprocess child = await StartAsync(Sleep());
        Assert.Equal(-15, (await child.StopAsync(Grace).WaitAsync(TestTimeout)).ReturnCode);
    }

    [Fact]
    public async Task Stop_StubbornChild_IsKilledWhenTheGraceIsOver()
    {
        await using ISubprocess child = await StartReadyAsync(Stubborn);
        Task<ChildExitStatus> stop = child.StopAsync(Grace);
        _clock.Advance(Grace - TimeSpan.FromMilliseconds(1));
        Assert.False(stop.IsCompleted);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(-9, (await stop.WaitAsync(TestTimeout)).ReturnCode);
    }

    [Fact]
    public async Task StopAll_ObedientAndStubborn_SaysWhoNeededKill()
    {
        ISubprocess obedient = await StartAsync(Sleep());
        ISubprocess stubborn = await StartReadyAsync(Stubborn);
        ISubprocess finished = await StartAsync(new("/bin/true"));
        await ExitOf(finished);

        Task<IReadOnlyList<StoppedSubprocess>> stop = Factory.StopAllAsync(Grace);
        await ExitOf(obedient);
        _clock.Advance(Grace);
        IReadOnlyList<StoppedSubprocess> stopped = await stop.WaitAsync(TestTimeout);
        Assert.Equal(2, stopped.Count);
        Assert.Equal((false, -15), Of(obedient));
        Assert.Equal((true, -9), Of(stubborn));
        await DisposeAsync(stubborn);

        (bool, int) Of(ISubprocess child)
        {
            StoppedSubprocess one = stopped.Single(one => one.Id == child.Id);
            Assert.Equal(child.FileName, one.FileName);
            return (one.Killed, one.Status!.Value.ReturnCode);
        }
    }

    [Fact]
    public async Task Stop_StopSignal_TakesThePlaceOfTerm()
    {
        SubprocessStartInfo info = Sleep();
        info.StopSignal = UnixSignal.Int;
        await using ISubprocess child = await StartAsync(info);
        Assert.Equal(UnixSignal.Int, (await child.StopAsync(Grace).WaitAsync(TestTimeout)).Signal);
    }

    [Fact]
    public async Task Start_StopSignalThatIsNone_IsRefused()
    {
        SubprocessStartInfo info = Sleep();
        info.StopSignal = default;
        ArgumentException e = await Assert.ThrowsAsync<ArgumentException>(() => StartAsync(info));
        Assert.Contains("StopSignal", e.Message);
    }

    [Fact]
    public async Task Stop_NoGrace_KillsAtOnce()
    {
        await using ISubprocess child = await StartAsync(Sleep());
        Assert.Equal(-9, (await child.StopAsync(TimeSpan.Zero).WaitAsync(TestTimeout)).ReturnCode);
    }

    [Fact]
    public async Task Stop_StoppedChild_IsContinuedSoThatItTakesTerm()
    {
        await using ISubprocess child = await StartAsync(Sleep());
        child.Signal(new UnixSignal(19)); // STOP
        Eventually.True(() => StateOf(child.Id) == 'T', "the child stops");
        Assert.Equal(-15, (await child.StopAsync(Grace).WaitAsync(TestTimeout)).ReturnCode);
    }

    [Fact]
    public async Task Stop_Cancelled_SkipsTheGraceAndStillAwaitsTheReap()
    {
        await using ISubprocess child = await StartReadyAsync(Stubborn);
        using var cancel = new CancellationTokenSource();
        Task<ChildExitStatus> stop = child.StopAsync(Grace, cancel.Token);
        await cancel.CancelAsync();
        Assert.Equal(-9, (await stop.WaitAsync(TestTimeout)).ReturnCode);
        Assert.Null(StateOf(child.Id));
    }

    [Fact]
    public async Task Stop_WithACancelledToken_KillsAtOnce()
    {
        await using ISubprocess child = await StartReadyAsync(Stubborn);
        Assert.Equal(-9, (await child.StopAsync(Grace, new CancellationToken(canceled: true)).WaitAsync(TestTimeout)).ReturnCode);
    }

    [Fact]
    public async Task Stop_Twice_SharesOneLadderAndTheShorterGraceWins()
    {
        await using ISubprocess child = await StartReadyAsync("trap 'echo term' TERM; echo ready; while :; do sleep 0.01; done");
        Task<ChildExitStatus> patient = child.StopAsync(TimeSpan.FromMinutes(1));
        await ExpectAsync(child.Output, "term");
        Task<ChildExitStatus> hasty = child.StopAsync(Grace);
        Task<ChildExitStatus> morePatient = child.StopAsync(TimeSpan.FromMinutes(2));
        _clock.Advance(Grace);
        Assert.Equal(-9, (await patient.WaitAsync(TestTimeout)).ReturnCode);
        Assert.Equal(-9, (await hasty.WaitAsync(TestTimeout)).ReturnCode);
        Assert.Equal(-9, (await morePatient.WaitAsync(TestTimeout)).ReturnCode);
        Assert.Empty(await ReadToEndAsync(child.Output)); // no second TERM
    }

    [Fact]
    public async Task Stop_FinishedChild_ReturnsItsExit()
    {
        await using ISubprocess child = await StartAsync(Shell("exit 3"));
        await ExitOf(child);
        Assert.Equal(3, (await child.StopAsync(Grace).WaitAsync(TestTimeout)).ExitCode);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => child.StopAsync(TimeSpan.FromTicks(-1)));
    }

    [Fact]
    public async Task Stop_WhileItExits_GivesOneStatusToAll()
    {
        for (int i = 0; i < 100; i++)
        {
            await using ISubprocess child = await StartAsync(new("/bin/true"));
            Task<ChildExitStatus>[] all =
                [child.StopAsync(Grace), ExitOf(child), Task.Run(() => child.StopAsync(TimeSpan.Zero)), Task.Run(() => child.StopAsync(Grace))];
            ChildExitStatus[] exits = await Task.WhenAll(all).WaitAsync(TestTimeout);
            Assert.Single(exits.Distinct());
        }
    }

    [Fact]
    public async Task Rule05_OwnGroup_EveryMemberGetsTermAndKill()
    {
        await using ISubprocess child = await StartAsync(PipedShell("trap '' TERM; sh -c 'trap \"\" TERM; while :; do sleep 0.01; done' & echo $!; while :; do sleep 0.01; done"));
        int grandchild = await ReadPidAsync(child);
        Task<ChildExitStatus> stop = child.StopAsync(Grace);
        _clock.Advance(Grace);
        Assert.Equal(-9, (await stop.WaitAsync(TestTimeout)).ReturnCode);
        Eventually.True(() => IsGone(grandchild), "KILL reached the whole group");
    }

    [Fact]
    public async Task Rule05_MemberBornWhileTheGroupDies_IsSweptBeforeTheReap()
    {
        for (int i = 0; i < 10; i++)
        {
            await using ISubprocess child = await StartAsync(PipedShell("echo $$; while :; do sleep 1000 & done 2>/dev/null"));
            int group = await ReadPidAsync(child);
            await child.StopAsync(TimeSpan.Zero).WaitAsync(TestTimeout);
            Eventually.True(() => MembersOf(group) == 0, "nobody is left of the group");
        }
    }

    [Fact]
    public async Task Rule05_ChildInOurGroup_IsSignalledAlone()
    {
        await using ISubprocess bystander = await StartAsync(new SubprocessStartInfo("/bin/sleep", "1000") { ProcessGroup = ProcessGroup.Inherit });
        await using ISubprocess child = await StartAsync(new SubprocessStartInfo("/bin/sleep", "1000") { ProcessGroup = ProcessGroup.Inherit });
        Assert.Equal(GroupOf(Environment.ProcessId), GroupOf(child.Id));
        Assert.Equal(-15, (await child.StopAsync(Grace).WaitAsync(TestTimeout)).ReturnCode);
        Assert.Null(bystander.ExitStatus);
        Assert.False(IsGone(bystander.Id));
        Assert.Equal(-9, (await bystander.StopAsync(TimeSpan.Zero).WaitAsync(TestTimeout)).ReturnCode);
    }

    [Fact]
    public async Task Rule05_DisposedLeader_TakesItsGroupAlong()
    {
        ISubprocess child = await StartAsync(PipedShell("sleep 1000 & echo $!; wait"));
        int grandchild = await ReadPidAsync(child);
        await DisposeAsync(child);
        Eventually.True(() => IsGone(grandchild), "the group is killed");
    }

    [Fact]
    public async Task Rule05_FinishedLeader_ItsGroupIsNotSignalledAnyMore()
    {
        await using ISubprocess child = await StartAsync(PipedShell("sleep 1000 & echo $!"));
        int grandchild = await ReadPidAsync(child);
        await ExitOf(child);
        await child.StopAsync(TimeSpan.Zero).WaitAsync(TestTimeout);
        await DisposeAsync(child);
        Assert.False(IsGone(grandchild));
        TestLibc.Kill(grandchild, 9);
    }

    private async Task<ISubprocess> StartReadyAsync(string script)
    {
        ISubprocess child = await StartAsync(PipedShell(script));
        await ExpectAsync(child.Output, "ready");
        return child;
    }

    private static int GroupOf(int pid)
    {
        string stat = File.ReadAllText($"/proc/{pid}/stat");
        return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[2], CultureInfo.InvariantCulture);
    }

    private static int MembersOf(int group)
    {
        int members = 0;
        foreach (string process in Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0])))
        {
            try
            {
                int pid = int.Parse(Path.GetFileName(process), CultureInfo.InvariantCulture);
                members += !IsGone(pid) && GroupOf(pid) == group ? 1 : 0;
            }
            catch (IOException)
            {
                // gone meanwhile
            }
        }
        return members;
    }
}
