using System.IO.Pipelines;
using UnixLoop.Fault.Tests.Campaigns;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>A child behind pipes that the user writes and reads: more than both pipes and both buffers hold, so that everybody waits for everybody.</summary>
internal sealed class PipesScenario : ChildScenario
{
    private const int BlockBytes = 50_000;
    private const int Blocks = 30;

    internal override string Name => "pipes";

    internal override async Task RunAsync(Rig rig)
    {
        ChildRig children = await ChildRig.StartAsync(rig, WatcherKind.Pidfd);
        await using ISubprocess child = await children.StartAsync(new SubprocessStartInfo("/bin/cat") { Input = Stdio.Pipe, Output = Stdio.Pipe });
        Task<bool> writing = rig.Track(WriteAsync(child));
        // The writer has begun before anybody reads.
        ReadResult first = await child.Output.ReadAtLeastAsync(1);
        child.Output.AdvanceTo(first.Buffer.Start);
        byte[] output = await ChildRig.ReadToEndAsync(child.Output);
        bool wroteAll = await writing;
        bool isWhole = output.Length == Blocks * BlockBytes;
        rig.Expect(isWhole || !wroteAll || rig.ChildMayDie || rig.Log.Comes("PipeWriteFailed"), $"what was written comes back, or its loss is told: {output.Length} of {Blocks * BlockBytes}");
        for (int i = 0; i < output.Length; i++)
        {
            if (output[i] != (byte)(i / BlockBytes))
            {
                rig.Expect(false, $"what was written comes back in order: byte {i} is {output[i]}");
                break;
            }
        }
        (ChildExitStatus exit, _) = await child.WaitForExitAndDrainAsync(Campaign.Bound);
        children.ExpectExit(exit, 0);
    }

    /// <summary>False if the writer was told that nobody reads.</summary>
    private static async Task<bool> WriteAsync(ISubprocess child)
    {
        byte[] block = new byte[BlockBytes];
        for (int i = 0; i < Blocks; i++)
        {
            Array.Fill(block, (byte)i);
            if ((await child.Input.WriteAsync(block)).IsCompleted)
                return false;
        }
        await child.Input.CompleteAsync();
        return true;
    }
}
