using UnixLoop.Fault.Tests.Campaigns;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>StartDetachedAsync: children that end while the loop runs, and after it; nobody waits for them, and no zombie is left.</summary>
internal sealed class DetachedScenario(WatcherKind watcher) : ChildScenario
{
    internal override string Name => $"detached ({watcher})";

    internal override async Task RunAsync(Rig rig)
    {
        ChildRig children = await ChildRig.StartAsync(rig, watcher);
        int pid = await children.Factory.StartDetachedAsync(new SubprocessStartInfo("/bin/true"));
        rig.Expect(Eventually.TryWait(() => !Directory.Exists($"/proc/{pid}"), Campaign.Bound), "it is reaped");
        await children.Factory.StartDetachedAsync(new SubprocessStartInfo("/bin/sleep", "0.05"));
    }
}
