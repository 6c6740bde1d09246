using UnixLoop.Fault.Tests.Campaigns;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>Children that run when they are disposed, when their factory stops them all, and when it is disposed.</summary>
internal sealed class DisposeScenario(WatcherKind watcher) : ChildScenario
{
    internal override string Name => $"dispose ({watcher})";

    internal override async Task RunAsync(Rig rig)
    {
        ChildRig children = await ChildRig.StartAsync(rig, watcher);
        await (await children.StartAsync(Sleep())).DisposeAsync();

        await using (ISubprocess stopped = await children.StartAsync(Sleep()))
        {
            IReadOnlyList<StoppedSubprocess> all = await children.Factory.StopAllAsync(Campaign.Bound);
            rig.Expect(all.Count == 1 || rig.ChildMayDie || rig.SignalsMayBeForbidden, "StopAllAsync tells of the child that ran");
            foreach (StoppedSubprocess one in all)
                rig.Expect(one.Status is not null || rig.SignalsMayBeForbidden, "StopAllAsync awaits the reap");
        }

        // Another factory on the same loop: the first takes no more children.
        var factory = new SubprocessFactory(children.Loop, children.Watcher);
        rig.AtEnd(() => factory.DisposeAsync().AsTask());
        ISubprocess left = await factory.StartAsync(Sleep());
        Task<ChildExitStatus> exit = left.WaitForExitAsync();
        await factory.DisposeAsync();
        if (!rig.SignalsMayBeForbidden)
            children.ExpectStopped(await exit);
    }

    private static SubprocessStartInfo Sleep() => new("/bin/sleep", "1000") { Input = Stdio.Pipe, Output = Stdio.Pipe, Error = Stdio.Pipe };
}
