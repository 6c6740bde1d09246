using System.IO.Pipelines;
using System.Text;
using UnixLoop.Transports;

namespace UnixLoop.Process.Tests.Pipes;

/// <summary>Our own standard streams, seen from inside. Nothing but the pipes talks to the test.</summary>
internal static class StdioScenarios
{
    /// <summary>Says what the three streams are, echoes what comes in until its end, and then says so on standard error.</summary>
    internal static async Task EchoAsync(string[] args)
    {
        await using var loop = new UnixEventLoop();
        await loop.StartAsync();
        await using ReadPipe input = ReadPipe.OpenStandardInput(loop);
        await using WritePipe output = WritePipe.OpenStandardOutput(loop);
        await using WritePipe error = WritePipe.OpenStandardError(loop);
        await SayAsync(output, $"{input}; {output}\n");

        // A wait that is cancelled takes no byte with it.
        using (var cancel = new CancellationTokenSource())
        {
            ValueTask<ReadResult> waiting = input.Input.ReadAsync(cancel.Token);
            await cancel.CancelAsync();
            try
            {
                ReadResult early = await waiting;
                input.Input.AdvanceTo(early.Buffer.Start);
            }
            catch (OperationCanceledException)
            {
                // As a rule nothing has come yet.
            }
        }
        await SayAsync(output, "ready\n");
        while (true)
        {
            ReadResult read = await input.Input.ReadAsync();
            foreach (ReadOnlyMemory<byte> segment in read.Buffer)
                await output.Output.WriteAsync(segment);
            input.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
                break;
        }
        await output.Output.CompleteAsync();
        await output.Completion; // the two may be one pipe, whose order is that of the writes
        await SayAsync(error, "end of input\n");
    }

    /// <summary>Ends while its input is silent and open: nothing may wait for it.</summary>
    internal static async Task LeaveAsync(string[] args)
    {
        await using var loop = new UnixEventLoop();
        await loop.StartAsync();
        await using ReadPipe input = ReadPipe.OpenStandardInput(loop);
        await using WritePipe output = WritePipe.OpenStandardOutput(loop);
        Task<ReadResult> waiting = input.Input.ReadAsync().AsTask();
        await SayAsync(output, waiting.IsCompleted ? "there was input\n" : "waits\n");
    }

    private static async Task SayAsync(WritePipe pipe, string text) => await pipe.Output.WriteAsync(Encoding.UTF8.GetBytes(text));
}
