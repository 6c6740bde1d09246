using UnixLoop.Fault.Tests.Campaigns;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>The ladder of StopAsync: a child that obeys, one that does not, and one in our own group; each signalled first.</summary>
internal sealed class StopScenario(WatcherKind watcher) : ChildScenario
{
    internal override string Name => $"stop ({watcher})";

    internal override async Task RunAsync(Rig rig)
    {
        ChildRig children = await ChildRig.StartAsync(rig, watcher);
        await StopAsync(children, new SubprocessStartInfo("/bin/sleep", "1000"), Campaign.Bound);
        await StopAsync(children, new SubprocessStartInfo("/bin/sleep", "1000") { ProcessGroup = ProcessGroup.Inherit }, Campaign.Bound);
        await StopStubbornAsync(children);
    }

    private static async Task StopAsync(ChildRig children, SubprocessStartInfo info, TimeSpan grace)
    {
        await using ISubprocess child = await children.StartAsync(info);
        child.Signal(UnixSignal.Winch);
        children.ExpectStopped(await child.StopAsync(grace));
    }

    private static async Task StopStubbornAsync(ChildRig children)
    {
        // Nothing but the signal ends it, not even the end of its input, which a loop that fails closes.
        var info = new SubprocessStartInfo("/bin/sh", "-c", "trap '' TERM; echo ready; exec sleep 1000") { Input = Stdio.Pipe, Output = Stdio.Pipe };
        await using ISubprocess child = await children.StartAsync(info);
        await child.Output.ReadAsync(); // "ready": the trap is set
        children.ExpectStopped(await child.StopAsync(TimeSpan.FromMilliseconds(10)));
    }
}
