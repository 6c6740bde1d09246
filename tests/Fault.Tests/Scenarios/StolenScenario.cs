using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Injection;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>A child that somebody else in the process reaps: its exit is told all the same, and its status where the kernel kept it.</summary>
internal sealed class StolenScenario(WatcherKind watcher) : ChildScenario
{
    internal override string Name => $"reaped elsewhere ({watcher})";

    internal override async Task RunAsync(Rig rig)
    {
        ChildRig children = await ChildRig.StartAsync(rig, watcher);
        await using ISubprocess child = await children.StartAsync(new SubprocessStartInfo("/bin/sleep", "1000"));
        OwnChildren.KillAndReapAll();
        ChildExitStatus exit = await child.WaitForExitAsync();
        rig.Expect(exit.Kind == ChildExitKind.ReapedElsewhere || exit.Signal == UnixSignal.Kill, $"the exit is told: {exit}");
    }
}
