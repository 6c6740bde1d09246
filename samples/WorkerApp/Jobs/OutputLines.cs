using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace WorkerApp.Jobs;

/// <summary>Cuts a child's output into lines, with a bound on their length.</summary>
internal static class OutputLines
{
    private const int MaxBytes = 16 * 1024;

    internal static async Task ReadAsync(PipeReader reader, Action<string> onLine)
    {
        while (true)
        {
            ReadResult read = await reader.ReadAsync();
            ReadOnlySequence<byte> rest = read.Buffer;
            while (TryCut(ref rest, read.IsCompleted, out ReadOnlySequence<byte> line))
                onLine(Encoding.UTF8.GetString(line).TrimEnd('\r'));
            reader.AdvanceTo(rest.Start, rest.End);
            if (read.IsCompleted)
                break;
        }
        await reader.CompleteAsync();
    }

    /// <summary>A line, a piece of <see cref="MaxBytes"/> of a longer one, or what stands at the end without a line end.</summary>
    private static bool TryCut(ref ReadOnlySequence<byte> rest, bool atEnd, out ReadOnlySequence<byte> line)
    {
        SequenceReader<byte> bytes = new(rest);
        if (bytes.TryReadTo(out line, (byte)'\n') && line.Length <= MaxBytes)
        {
            rest = bytes.UnreadSequence;
            return true;
        }
        line = rest.Slice(0, Math.Min(rest.Length, MaxBytes));
        if (line.Length < MaxBytes && !(atEnd && line.Length > 0))
            return false;
        rest = rest.Slice(line.Length);
        return true;
    }
}
