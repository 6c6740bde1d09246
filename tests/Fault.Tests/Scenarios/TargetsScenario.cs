using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Injection;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>A run that is fed line by line, and whose output goes to a stream and a delegate; and one whose delegate fails.</summary>
internal sealed class TargetsScenario : ChildScenario
{
    private const int LineCount = 20_000;

    internal override string Name => "sources and targets";

    internal override async Task RunAsync(Rig rig)
    {
        ChildRig children = await ChildRig.StartAsync(rig, WatcherKind.Pidfd);
        await CopyAsync(rig, children);
        await FailAsync(rig, children);
    }

    private static async Task CopyAsync(Rig rig, ChildRig children)
    {
        using var output = new MemoryStream();
        int lines = 0;
        var options = new SubprocessRunOptions
        {
            Input = SubprocessInput.FromLines(Lines()),
            Output = SubprocessOutput.ToStream(output),
            Error = SubprocessOutput.ToLines((line, _) =>
            {
                lines += line.Text == "problem" ? 1 : 100;
                return ValueTask.CompletedTask;
            }),
        };
        SubprocessResult result = await children.Factory.RunAsync(new SubprocessStartInfo("sh", "-c", "cat; echo problem >&2; exit 3"), options);
        children.ExpectExit(result.Exit, 3);
        bool isCutByReader = rig.Fault is { Function: "write" or "writev", Kind: FaultKind.Fail } fault && fault.Errno == EPIPE;
        int whole = LineCount * "line\n".Length;
        if (result.Truncated || isCutByReader || rig.ChildMayDie || (output.Length < whole && rig.Log.Comes("PipeWriteFailed")))
            return;
        rig.Expect(output.Length == whole, $"standard output is delivered in full: {output.Length}");
        rig.Expect(lines == 1, $"standard error is delivered in full: {lines}");
    }

    private static async Task FailAsync(Rig rig, ChildRig children)
    {
        var options = new SubprocessRunOptions { Output = SubprocessOutput.ToLines((_, _) => throw new InvalidDataException("enough")) };
        try
        {
            await children.Factory.RunAsync(new SubprocessStartInfo("/bin/sh", "-c", "echo line; exec sleep 1000"), options);
            rig.Expect(rig.ChildMayDie, "a target's exception ends the run");
        }
        catch (InvalidDataException)
        {
        }
    }

    private static async IAsyncEnumerable<string> Lines()
    {
        for (int i = 0; i < LineCount; i++)
            yield return "line";
        await Task.CompletedTask;
    }
}
