using UnixLoop.Fault.Tests.Campaigns;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>A child whose exit several callers await, one of them when it is long over.</summary>
internal sealed class WaitScenario(WatcherKind watcher) : ChildScenario
{
    internal override string Name => $"wait ({watcher})";

    internal override async Task RunAsync(Rig rig)
    {
        ChildRig children = await ChildRig.StartAsync(rig, watcher);
        await using ISubprocess child = await children.StartAsync(new SubprocessStartInfo("/bin/sh", "-c", "exit 3"));
        Task<ChildExitStatus> first = rig.Track(child.WaitForExitAsync());
        Task<ChildExitStatus> second = rig.Track(child.WaitForExitAsync());
        children.ExpectExit(await first, 3);
        children.ExpectExit(await second, 3);
        children.ExpectExit(await child.WaitForExitAsync(), 3);
        rig.Expect(child.ExitStatus == await first, "ExitStatus is what the wait returned");
        rig.Expect(!child.Signal(UnixSignal.Term), "a child that has ended can't be signalled");
    }
}
