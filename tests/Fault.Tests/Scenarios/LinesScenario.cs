using UnixLoop.Fault.Tests.Campaigns;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>ReadLinesAsync to its end, and left early.</summary>
internal sealed class LinesScenario : ChildScenario
{
    private const int LineCount = 40;

    internal override string Name => "lines";

    internal override async Task RunAsync(Rig rig)
    {
        ChildRig children = await ChildRig.StartAsync(rig, WatcherKind.Pidfd);
        await ReadAllAsync(rig, children);
        await LeaveEarlyAsync(children);
    }

    private static async Task ReadAllAsync(Rig rig, ChildRig children)
    {
        var info = new SubprocessStartInfo("/bin/sh", "-c", $"i=0; while [ $i -lt {LineCount} ]; do echo line $i; i=$((i+1)); done; echo problem >&2");
        int lines = 0, problems = 0;
        await foreach (SubprocessLine line in children.Factory.ReadLinesAsync(info))
        {
            if (line.IsError)
                problems += line.Text == "problem" ? 1 : 100;
            else
                rig.Expect(line.Text == $"line {lines++}" || rig.ChildMayDie, $"lines come whole and in order: '{line.Text}' as number {lines}");
        }
        rig.Expect(lines == LineCount && problems == 1, $"every line is delivered, or an exception tells of the loss: {lines} and {problems}");
    }

    private static async Task LeaveEarlyAsync(ChildRig children)
    {
        await foreach (SubprocessLine _ in children.Factory.ReadLinesAsync(new SubprocessStartInfo("/bin/sh", "-c", "while :; do echo on and on; done")))
            break;
    }
}
