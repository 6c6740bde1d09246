using System.Buffers;
using System.IO.Pipelines;
using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.Allocations;
using UnixLoop.Transports;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Loop.Tests.Pipes;

/// <summary>Reads and writes of the public pipes allocate nothing on the loop's thread, nor on the caller's.</summary>
public sealed class PipeAllocationTests : PublicPipeTest
{
    private const int Operations = 10_000;

    [Fact]
    public async Task Write_InSteadyState_AllocatesNothing()
    {
        await using WritePipe pipe = WritePipe.Create(Loop, out SafeFileHandle readEnd);
        byte[] block = new byte[1000];
        int descriptor = (int)readEnd.DangerousGetHandle();
        using var bytes = new AllocatedBytes(Loop);
        bytes.AssertNone(Operations, () =>
        {
            for (int i = 0; i < Operations; i++)
            {
                pipe.Output.GetSpan(block.Length)[..block.Length].Clear();
                pipe.Output.Advance(block.Length);
#pragma warning disable CA2012 // it has completed: the pipe was empty
                Assert.False(pipe.Output.FlushAsync().GetAwaiter().GetResult().IsCompleted);
#pragma warning restore CA2012
                Libc.Read(descriptor, block);
            }
        });
        readEnd.Dispose();
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task ThroughASocket_InSteadyState_AllocatesNothing(bool onLoop)
    {
        (UnixHandle one, UnixHandle other) = NewSockets();
        PipeScheduler scheduler = onLoop ? PipeScheduler.Inline : PipeScheduler.ThreadPool;
        await using WritePipe writer = WritePipe.FromHandle(Loop, one, new WritePipeOptions { Scheduler = scheduler });
        await using ReadPipe reader = ReadPipe.FromHandle(Loop, other, new ReadPipeOptions { Scheduler = scheduler });
        byte[] block = new byte[1000];
        using var bytes = new AllocatedBytes(Loop);
        // The array pool keeps one array for each thread that gives one back. What the loop rents comes back on a worker, so each worker
        // has one from the beginning, and there is none but these: else the first array of a new one is missing on the loop.
        using FullPool workers = await FullPool.StartAsync(static () => ArrayPool<byte>.Shared.Return(ArrayPool<byte>.Shared.Rent(PipeDefaults.ReadBlock)));
        bytes.AssertNone(Operations, () => Assert.True(Task.Run(MoveAsync).Wait(4 * TestTimeout)));

        async Task MoveAsync()
        {
            for (int i = 0; i < Operations; i++)
            {
                await writer.Output.WriteAsync(block).ConfigureAwait(false);
                ReadResult read = await reader.Input.ReadAtLeastAsync(block.Length).ConfigureAwait(false);
                reader.Input.AdvanceTo(read.Buffer.End);
            }
        }
    }
}
