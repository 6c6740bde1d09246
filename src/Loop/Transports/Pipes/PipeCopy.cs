using System.Buffers;
using System.IO.Pipelines;

namespace UnixLoop.Transports.Pipes;

// PipeReader's own CopyToAsync takes a block for uncopied when the wait for room behind it is cancelled, though the writer has it by
// then: copied again, it came twice.
/// <summary>Copies from a reader to a writer; however it ends, what the writer has is consumed, and nothing else.</summary>
internal static class PipeCopy
{
    /// <summary>Until either's end.</summary>
    internal static async Task CopyAsync(PipeReader reader, PipeWriter writer, CancellationToken cancellationToken)
    {
        while (await CopyAsync(await reader.ReadAsync(cancellationToken).ConfigureAwait(false), reader, writer, cancellationToken).ConfigureAwait(false))
        {
        }
    }

    /// <returns>False at the end of either.</returns>
    internal static async Task<bool> CopyAsync(ReadResult read, PipeReader reader, PipeWriter writer, CancellationToken cancellationToken)
    {
        SequencePosition copied = read.Buffer.Start;
        try
        {
            if (read.IsCanceled)
                throw ReadCanceled();
            foreach (ReadOnlyMemory<byte> part in read.Buffer)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (writer is IDirectWriter direct)
                    direct.Take(part.Span);
                else
                    writer.Write(part.Span);
                copied = read.Buffer.GetPosition(part.Length, copied); // the writer's now, however the wait for room ends
                FlushResult flushed = await writer.FlushAsync(cancellationToken).ConfigureAwait(false);
                if (flushed.IsCanceled)
                    throw new OperationCanceledException("The flush of the writer that is copied to was cancelled.");
                if (flushed.IsCompleted)
                    return false;
            }
        }
        finally
        {
            reader.AdvanceTo(copied);
        }
        return !read.IsCompleted;
    }

    internal static OperationCanceledException ReadCanceled() => new("The read was cancelled.");
}
