using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Injection;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>RunAsync: input that is larger than a pipe goes through a child and comes back as output, beside standard error.</summary>
internal sealed class CaptureScenario(bool fromStream) : ChildScenario
{
    private static readonly byte[] s_input = CreateInput();

    internal override string Name => fromStream ? "capture from a stream" : "capture";

    internal override async Task RunAsync(Rig rig)
    {
        ChildRig children = await ChildRig.StartAsync(rig, WatcherKind.Pidfd);
        var options = new SubprocessRunOptions
        {
            Input = fromStream ? SubprocessInput.FromStream(new MemoryStream(s_input)) : SubprocessInput.FromBytes(s_input),
        };
        SubprocessResult result = await children.Factory.RunAsync(new SubprocessStartInfo("sh", "-c", "cat; echo problem >&2; exit 3"), options);
        children.ExpectExit(result.Exit, 3);
        if (result.Truncated)
            return;
        // A child that stops reading early is no error: where a write says so, what follows it is not written.
        bool isCutByReader = rig.Fault is { Function: "write", Kind: FaultKind.Fail } fault && fault.Errno == EPIPE;
        if (!isCutByReader)
            children.ExpectBytes(result.OutputBytes.Span, s_input, "standard output");
        else
            rig.Expect(s_input.AsSpan().StartsWith(result.OutputBytes.Span), "standard output is what was written");
        children.ExpectBytes(result.ErrorBytes.Span, "problem\n"u8, "standard error");
    }

    private static byte[] CreateInput()
    {
        byte[] input = new byte[200 * 1024];
        for (int i = 0; i < input.Length; i++)
            input[i] = (byte)(i * 31 + i / 251);
        return input;
    }
}
