using System.IO.Pipelines;
using UnixLoop.Fault.Tests.Campaigns;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>StopTreeAsync of a shell that leads a session, with a child that ignores TERM: nobody of it is left, or the result names who is.</summary>
internal sealed class StopTreeScenario : ChildScenario
{
    internal override string Name => "stopped tree";

    internal override async Task RunAsync(Rig rig)
    {
        ChildRig children = await ChildRig.StartAsync(rig, WatcherKind.Pidfd);
        var info = new SubprocessStartInfo("/bin/sh", "-c", "sh -c 'trap \"\" TERM; echo ready; read line' <&3 & wait")
        {
            ProcessGroup = ProcessGroup.NewSession,
            Output = Stdio.Pipe,
            Input = Stdio.Pipe,
        };
        info.Arguments[1] = "exec 3<&0; " + info.Arguments[1];
        await using ISubprocess child = await children.StartAsync(info);
        ReadResult ready = await child.Output.ReadAsync(); // the trap is set
        child.Output.AdvanceTo(ready.Buffer.End);
        (ChildExitStatus exit, IReadOnlyList<SurvivingProcess> survivors) = await child.StopTreeAsync(Campaign.Bound);
        children.ExpectStopped(exit);
        // A child that was gone before the stop has left nobody that could be found.
        if (survivors.Count > 0 || rig.ChildMayDie)
        {
            rig.Expect(rig.ChildMayDie || rig.SignalsMayBeForbidden || rig.Fault is { Function: "pidfd_open" }, $"nobody is left: {string.Join(", ", survivors)}");
            await child.Input.CompleteAsync(); // ends the survivor
            return;
        }
        rig.Expect((await ChildRig.ReadToEndAsync(child.Output)).Length <= "ready\n".Length, "nobody holds the pipe");
    }
}
