using System.Buffers;
using System.IO.Pipelines;
using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Injection;
using UnixLoop.Fault.Tests.Interop;
using UnixLoop.Transports;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>Our own standard input is read to its end, and each block written to standard error: once for each way in which they are served.</summary>
internal sealed class StandardStreamsScenario(StandardStreamsScenario.Kind kind) : Scenario
{
    private static readonly byte[] s_content = [.. Enumerable.Range(0, 150_000).Select(i => (byte)(i ^ (i >> 8)))];

    internal enum Kind
    {
        /// <summary>Opened again, on the loop.</summary>
        Pipe,

        /// <summary>A duplicate, on the loop.</summary>
        Socket,

        /// <summary>A thread: a FIFO whose writer has gone, a device that is no terminal.</summary>
        Thread,

        /// <summary>The thread pool.</summary>
        File,
    }

    internal override string Name => $"standard streams, {kind}";

    internal override async Task RunAsync(Rig rig)
    {
        UnixEventLoop loop = await rig.StartLoopAsync();
        using StreamEnds ends = StreamEnds.Create(kind, s_content);
        bool isOver = false;
        byte[] expected = [];
        byte[] written;
        try
        {
            using (new StandardStreams(ends.Input, ends.Output))
            {
                ends.Begin(rig);
                expected = await EchoAsync(loop);
                isOver = true;
            }
        }
        finally
        {
            written = await ends.ReadWrittenAsync();
        }
        rig.Expect(expected.AsSpan().SequenceEqual(ends.Fed), $"all is read: {expected.Length} of {ends.Fed.Length} bytes");
        rig.Expect(!isOver || !ends.KeepsOutput || written.AsSpan().SequenceEqual(expected), $"all is written: {written.Length} of {expected.Length} bytes");
    }

    internal override bool Documents(Exception exception, InjectedFault fault) =>
        exception is ArgumentException && fault.Function is "epoll_ctl EPOLL_CTL_ADD" or "getsockopt" or "getpeername"
        || exception is InvalidOperationException && fault.Function is "getsockopt" or "getpeername";

    private static async Task<byte[]> EchoAsync(UnixEventLoop loop)
    {
        await using ReadPipe input = ReadPipe.OpenStandardInput(loop);
        await using WritePipe output = WritePipe.OpenStandardError(loop);
        MemoryStream all = new();
        while (true)
        {
            ReadResult read = await input.Input.ReadAsync();
            byte[] block = read.Buffer.ToArray();
            input.Input.AdvanceTo(read.Buffer.End);
            all.Write(block);
            await output.Output.WriteAsync(block);
            if (read.IsCompleted)
                break;
        }
        await output.DisposeAsync();
        await output.Completion;
        return all.ToArray();
    }
}
