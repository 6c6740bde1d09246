using System.IO.Pipelines;
using Microsoft.Extensions.Logging.Abstractions;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.Allocations;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Loop.Tests.Pipes;

public sealed class ReadPumpAllocationTests : PipeTest
{
    [Fact]
    public async Task Read_InSteadyState_AllocatesNothing()
    {
        (UnixHandle read, UnixHandle write) = NewPipe();
        var sink = new PipeReadSink(Loop);
        var pump = new ReadPump(Loop, read, sink, Owner, budget: null, NullLogger.Instance);
        pump.Start();
        byte[] block = new byte[1000];
        using var bytes = new AllocatedBytes(Loop);
        bytes.AssertNone(10_000, () =>
        {
            for (int i = 0; i < 10_000; i++)
            {
                Libc.Write(write.Descriptor, block);
                ReadResult result;
                while (!sink.Reader.TryRead(out result))
                    Thread.Yield();
                sink.Reader.AdvanceTo(result.Buffer.End);
            }
        });
        pump.Close(null);
        write.Dispose();
        sink.Reader.Complete();
        await Owner.Ended;
    }
}
