using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Subprocesses;

/// <summary>Copies what a run's input comes from into the pipe to the child, until the source ends or the child reads no more.</summary>
internal static class InputSources
{
    internal static async Task CopyAsync(Stream stream, PipeWriter writer, CancellationToken cancellationToken)
    {
        while (true)
        {
            int read = await stream.ReadAsync(writer.GetMemory(PipeDefaults.SmallestRead), cancellationToken).ConfigureAwait(false);
            writer.Advance(read);
            if (read == 0 || await IsEnoughAsync(writer).ConfigureAwait(false))
                return;
        }
    }

    internal static async Task CopyAsync(PipeReader reader, PipeWriter writer, CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult read = await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            foreach (ReadOnlyMemory<byte> segment in read.Buffer)
                writer.Write(segment.Span);
            reader.AdvanceTo(read.Buffer.End);
            if (await IsEnoughAsync(writer).ConfigureAwait(false) || read.IsCompleted || read.IsCanceled)
                return;
        }
    }

    internal static async Task CopyAsync(IAsyncEnumerable<string> lines, Encoding encoding, PipeWriter writer, CancellationToken cancellationToken)
    {
        IAsyncEnumerator<string> line = lines.GetAsyncEnumerator(cancellationToken);
        await using (line.ConfigureAwait(false))
        {
            while (true)
            {
                ValueTask<bool> next = line.MoveNextAsync();
                // While lines are at hand they go together.
                bool isDue = !next.IsCompleted || writer.UnflushedBytes >= PipeDefaults.SmallestRead;
                if (isDue && writer.UnflushedBytes > 0 && await IsEnoughAsync(writer).ConfigureAwait(false))
                {
                    await next.ConfigureAwait(false);
                    return;
                }
                if (!await next.ConfigureAwait(false))
                    break;
                encoding.GetBytes(line.Current, writer);
                encoding.GetBytes("\n", writer);
            }
        }
        await IsEnoughAsync(writer).ConfigureAwait(false);
    }

    /// <summary>Whether nobody reads any more. Not cancelled by a token: the run's end closes the pipe.</summary>
    private static async ValueTask<bool> IsEnoughAsync(PipeWriter writer) =>
        (await writer.FlushAsync(CancellationToken.None).ConfigureAwait(false)).IsCompleted;
}
