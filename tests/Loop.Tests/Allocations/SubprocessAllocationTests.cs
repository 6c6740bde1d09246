using System.IO.Pipelines;
using UnixLoop.Loop.Tests.Subprocesses;

namespace UnixLoop.Loop.Tests.Allocations;

/// <summary>What the loop does for a child that runs allocates nothing on its thread, nor does what its exit sets off.</summary>
public sealed class SubprocessAllocationTests : SubprocessTest
{
    private const int RoundTrips = 10_000;
    private const int SmallestObject = 24;
    private const int Bytes = 4096;
    private const int Children = 100;

    [Fact]
    public async Task Pipes_WriteAndReadBack_AllocateNothing()
    {
        await using ISubprocess cat = await StartAsync(new("/bin/cat") { Input = Stdio.Pipe, Output = Stdio.Pipe });
        using AllocatedBytes bytes = new(Loop);
        bytes.AssertNone(RoundTrips * SmallestObject, () => Assert.True(Task.Run(EchoAsync).Wait(4 * TestTimeout)));

        async Task EchoAsync()
        {
            for (int i = 0; i < RoundTrips; i++)
            {
                cat.Input.GetSpan(Bytes)[..Bytes].Clear();
                cat.Input.Advance(Bytes);
                await cat.Input.FlushAsync();
                ReadResult read = await cat.Output.ReadAtLeastAsync(Bytes);
                cat.Output.AdvanceTo(read.Buffer.GetPosition(Bytes));
            }
        }
    }

    [Fact]
    public async Task Exit_FromTheWatcherToTheHandler_AllocatesNothing()
    {
        using AllocatedBytes bytes = new(Loop);
        // The children of all rounds stand ready before the first.
        Queue<ISubprocess[]> rounds = [];
        for (int round = 0; round < AllocatedBytes.MostRuns; round++)
        {
            ISubprocess[] children = new ISubprocess[Children];
            for (int i = 0; i < Children; i++)
                children[i] = await StartAsync(new("/bin/sleep", "600"));
            rounds.Enqueue(children);
        }
        bytes.AssertNone(Children * SmallestObject, () =>
        {
            ISubprocess[] children = rounds.Dequeue();
            foreach (ISubprocess child in children)
                child.Signal(UnixSignal.Kill);
            Eventually.True(() => children.All(child => child.ExitStatus is not null), "all exits are told");
        });
        foreach (ISubprocess spare in rounds.SelectMany(static round => round))
            await DisposeAsync(spare);
    }
}
