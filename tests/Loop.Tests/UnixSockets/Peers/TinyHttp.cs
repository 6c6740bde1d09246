using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets.Peers;

/// <summary>As much of HTTP/1.1 as curl needs: answers each request with its method, its path and the length of its body.</summary>
internal static class TinyHttp
{
    internal static async Task ServeAsync(UnixStreamConnection connection)
    {
        while (await ReadHeadAsync(connection.Input) is { } head)
        {
            string[] lines = head.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
            long length = long.Parse(Header(lines, "Content-Length") ?? "0", CultureInfo.InvariantCulture);
            if (Header(lines, "Expect") == "100-continue")
                await SayAsync(connection.Output, "HTTP/1.1 100 Continue\r\n\r\n");
            await SkipAsync(connection.Input, length);
            string text = $"{string.Join(' ', lines[0].Split(' ')[..2])} {length}\n";
            await SayAsync(connection.Output, $"HTTP/1.1 200 OK\r\nContent-Length: {text.Length}\r\n\r\n{text}");
        }
        await connection.Output.CompleteAsync();
    }

    /// <summary>Null at the end.</summary>
    private static async Task<string?> ReadHeadAsync(PipeReader input)
    {
        while (true)
        {
            ReadResult read = await input.ReadAsync();
            if (TryFindEnd(read.Buffer, out SequencePosition end))
            {
                string head = Encoding.ASCII.GetString(read.Buffer.Slice(0, end));
                input.AdvanceTo(end);
                return head;
            }
            input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (read.IsCompleted)
                return null;
        }
    }

    private static bool TryFindEnd(ReadOnlySequence<byte> buffer, out SequencePosition end)
    {
        SequenceReader<byte> reader = new(buffer);
        bool found = reader.TryReadTo(out ReadOnlySequence<byte> _, "\r\n\r\n"u8);
        end = reader.Position;
        return found;
    }

    private static async Task SkipAsync(PipeReader input, long length)
    {
        while (length > 0)
        {
            ReadResult read = await input.ReadAsync();
            long taken = Math.Min(length, read.Buffer.Length);
            input.AdvanceTo(read.Buffer.GetPosition(taken));
            length -= taken;
            if (read.IsCompleted && length > 0)
                throw new EndOfStreamException("The body is too short.");
        }
    }

    private static async Task SayAsync(PipeWriter output, string text) => await output.WriteAsync(Encoding.ASCII.GetBytes(text));

    private static string? Header(string[] lines, string name) =>
        lines.FirstOrDefault(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))?[(name.Length + 1)..].Trim();
}
