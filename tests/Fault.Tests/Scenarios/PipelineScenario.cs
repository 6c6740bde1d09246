using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Injection;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>A pipeline: captured, as lines, and one whose last member can't start.</summary>
internal sealed class PipelineScenario : ChildScenario
{
    internal override string Name => "pipeline";

    internal override async Task RunAsync(Rig rig)
    {
        ChildRig children = await ChildRig.StartAsync(rig, WatcherKind.Pidfd);
        await CaptureAsync(rig, children);
        await ReadLinesAsync(rig, children);
        await RefuseAsync(rig, children);
    }

    private static async Task CaptureAsync(Rig rig, ChildRig children)
    {
        var pipeline = new SubprocessPipeline(new("cat"), new("/bin/sh", "-c", "cat; echo problem >&2; exit 3"), new("/bin/cat"));
        SubprocessResult result = await children.Factory.RunAsync(pipeline, new SubprocessRunOptions { Input = SubprocessInput.FromText("through all of them\n") });
        children.ExpectExit(result.Members[0].Exit, 0);
        children.ExpectExit(result.Exit, 3);
        children.ExpectExit(result.Members[2].Exit, 0);
        bool isCutByReader = rig.Fault is { Function: "write", Kind: FaultKind.Fail } fault && fault.Errno == EPIPE;
        if (result.Truncated || isCutByReader)
            return;
        children.ExpectBytes(result.OutputBytes.Span, "through all of them\n"u8, "standard output");
        children.ExpectBytes(result.ErrorBytes.Span, "problem\n"u8, "standard error");
    }

    private static async Task ReadLinesAsync(Rig rig, ChildRig children)
    {
        var pipeline = new SubprocessPipeline(new("/bin/sh", "-c", "echo problem >&2; echo line"), new("/bin/cat"));
        int lines = 0;
        await foreach (SubprocessLine line in children.Factory.ReadLinesAsync(pipeline))
        {
            rig.Expect(line.Text == (line.IsError ? "problem" : "line"), $"lines come whole: '{line.Text}'");
            lines++;
        }
        rig.Expect(lines == 2 || rig.ChildMayDie, $"every line is delivered: {lines}");
    }

    /// <summary>Whatever keeps the third from starting, the first two are gone.</summary>
    private static async Task RefuseAsync(Rig rig, ChildRig children)
    {
        try
        {
            await children.Factory.RunAsync(new SubprocessPipeline(new("yes"), new("cat"), new("/no/such/program")));
            rig.Expect(false, "a pipeline that can't start throws");
        }
        catch (SubprocessStartException)
        {
        }
    }
}
