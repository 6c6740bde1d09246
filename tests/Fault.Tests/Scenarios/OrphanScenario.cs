using UnixLoop.Fault.Tests.Campaigns;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>A child that outlives its loop: the orphan queue reaps it and tells its exit.</summary>
internal sealed class OrphanScenario(WatcherKind watcher) : ChildScenario
{
    internal override string Name => $"orphan ({watcher})";

    internal override async Task RunAsync(Rig rig)
    {
        ChildRig children = await ChildRig.StartAsync(rig, watcher);
        // Its input ends with the loop.
        var info = new SubprocessStartInfo("/bin/sh", "-c", "read line; exit 4") { Input = Stdio.Pipe };
        await using ISubprocess one = await children.StartAsync(info);
        await using ISubprocess other = await children.StartAsync(info);
        Task<ChildExitStatus> exit = rig.Track(one.WaitForExitAsync());
        await children.Loop.StopAsync();
        children.ExpectExit(await exit, 4);
        children.ExpectExit(await other.WaitForExitAsync(), 4);
    }
}
