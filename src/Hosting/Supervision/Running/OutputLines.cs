using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace UnixLoop.Hosting.Supervision;

/// <summary>
/// Cuts a child's output into lines. A line ends with \n or \r\n; what stands after the last one at the end is a line too. A line
/// that is longer than the limit comes in pieces: nothing is left out.
/// </summary>
internal static class OutputLines
{
    /// <summary>What log stores take as one message without complaint.</summary>
    internal const int MaxBytes = 16 * 1024;

    internal static async Task ReadAsync(PipeReader reader, Action<string> onLine)
    {
        try
        {
            while (true)
            {
                ReadResult read = await reader.ReadAsync().ConfigureAwait(false);
                ReadOnlySequence<byte> rest = read.Buffer;
                while (TryCut(ref rest, read.IsCompleted, out ReadOnlySequence<byte> line))
                    onLine(Encoding.UTF8.GetString(line));
                reader.AdvanceTo(rest.Start, rest.End);
                if (read.IsCompleted)
                    return;
            }
        }
        finally
        {
            await reader.CompleteAsync().ConfigureAwait(false);
        }
    }

    private static bool TryCut(ref ReadOnlySequence<byte> rest, bool isEnd, out ReadOnlySequence<byte> line)
    {
        // Two more than the limit: a line end stands behind a line of exactly that length.
        ReadOnlySequence<byte> window = rest.Slice(0, Math.Min(rest.Length, MaxBytes + 2));
        if (window.PositionOf((byte)'\n') is { } end)
        {
            line = WithoutReturn(rest.Slice(0, end));
            if (line.Length <= MaxBytes)
            {
                rest = rest.Slice(rest.GetPosition(1, end));
                return true;
            }
        }

        if (window.Length > MaxBytes + 1 || (isEnd && window.Length > MaxBytes))
        {
            line = window.Slice(0, MaxBytes);
            line = line.Slice(0, MaxBytes - CutCharacter(line));
        }
        else if (isEnd && !window.IsEmpty)
        {
            line = window;
        }
        else
        {
            line = default;
            return false;
        }

        rest = rest.Slice(line.End);
        return true;
    }

    private static ReadOnlySequence<byte> WithoutReturn(ReadOnlySequence<byte> line) =>
        !line.IsEmpty && line.Slice(line.Length - 1).FirstSpan[0] == '\r' ? line.Slice(0, line.Length - 1) : line;

    /// <summary>How many bytes at the end begin a character that goes on after it.</summary>
    private static int CutCharacter(ReadOnlySequence<byte> piece)
    {
        Span<byte> tail = stackalloc byte[3];
        piece.Slice(piece.Length - tail.Length).CopyTo(tail);
        for (int length = 1; length <= tail.Length; length++)
        {
            if (Rune.DecodeFromUtf8(tail[^length..], out _, out _) == OperationStatus.NeedMoreData)
                return length;
        }

        return 0;
    }
}
