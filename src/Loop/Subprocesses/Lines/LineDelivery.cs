using System.IO.Pipelines;

namespace UnixLoop.Subprocesses;

/// <summary>Brings a stream to a delegate, line by line.</summary>
internal static class LineDelivery
{
    internal static async Task DeliverAsync(
        PipeReader reader, LineFormat format, Func<SubprocessLine, CancellationToken, ValueTask> handle, CancellationToken cancellationToken)
    {
        var lines = new LineSplitter(format);
        try
        {
            while (true)
            {
                ReadResult read = await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
                foreach (ReadOnlyMemory<byte> segment in read.Buffer)
                {
                    for (ReadOnlyMemory<byte> rest = segment; TryTakeLine(lines, ref rest, out SubprocessLine line);)
                        await handle(line, cancellationToken).ConfigureAwait(false);
                }
                reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted || read.IsCanceled)
                    break;
            }
            if (lines.TryTakeLast(out SubprocessLine last))
                await handle(last, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            lines.Release();
        }
    }

    private static bool TryTakeLine(LineSplitter lines, ref ReadOnlyMemory<byte> rest, out SubprocessLine line)
    {
        ReadOnlySpan<byte> bytes = rest.Span;
        bool taken = lines.TryTakeLine(ref bytes, out line);
        rest = rest[^bytes.Length..];
        return taken;
    }
}
