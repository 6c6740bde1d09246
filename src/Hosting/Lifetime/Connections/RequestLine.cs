using System.Buffers;

namespace UnixLoop.Hosting.Connections;

/// <summary>Tells HTTP/1's request lines (RFC 9112, 3) from bytes of a body.</summary>
internal static class RequestLine
{
    /// <summary>No method that is registered has more than 17 characters ("UPDATEREDIRECTREF"); a longer one only loses its early notice.</summary>
    private const int LongestMethod = 32;

    /// <summary>The characters of a token (RFC 9110, 5.6.2).</summary>
    private static readonly SearchValues<byte> s_token =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    /// <summary>The version, its last digit, and the carriage return, which a lenient server does without.</summary>
    private const int VersionAndEnd = 10;

    private static ReadOnlySpan<byte> Version => " HTTP/1."u8;

    /// <summary>Whether they begin with a whole request line, after empty lines that a server skips.</summary>
    internal static bool Begins(in ReadOnlySequence<byte> bytes)
    {
        // Bodies and header lines are out after a few bytes.
        ReadOnlySpan<byte> first = bytes.FirstSpan.TrimStart("\r\n"u8);
        if (!MayBeMethod(first))
            return false;
        // With the line's end in one piece a method is before it: no line feed is in a token.
        int end = first.IndexOf((byte)'\n');
        if (end >= 0)
            return EndsWithVersion(first[..end]);
        SequenceReader<byte> reader = new(bytes);
        reader.AdvancePastAny((byte)'\r', (byte)'\n');
        return reader.TryReadTo(out ReadOnlySequence<byte> line, (byte)'\n') && BeginsWithMethod(line) && EndsWithVersion(line);
    }

    /// <summary>Of a piece that ends before a method does the rest decides.</summary>
    private static bool MayBeMethod(ReadOnlySpan<byte> bytes)
    {
        int length = bytes[..Math.Min(bytes.Length, LongestMethod + 1)].IndexOfAnyExcept(s_token);
        return length > 0 ? bytes[length] == ' ' : length < 0 && bytes.Length <= LongestMethod;
    }

    private static bool BeginsWithMethod(in ReadOnlySequence<byte> line)
    {
        Span<byte> first = stackalloc byte[LongestMethod + 1];
        first = first[..(int)Math.Min(first.Length, line.Length)];
        line.Slice(0, first.Length).CopyTo(first);
        int length = first.IndexOfAnyExcept(s_token);
        return length > 0 && first[length] == ' ';
    }

    private static bool EndsWithVersion(in ReadOnlySequence<byte> line)
    {
        Span<byte> last = stackalloc byte[VersionAndEnd];
        last = last[..(int)Math.Min(last.Length, line.Length)];
        line.Slice(line.Length - last.Length).CopyTo(last);
        return EndsWithVersion(last);
    }

    private static bool EndsWithVersion(ReadOnlySpan<byte> line)
    {
        if (line.Length < VersionAndEnd)
            return false;
        ReadOnlySpan<byte> last = line[^VersionAndEnd..];
        return last[..^2].SequenceEqual(Version) && last[^1] == '\r' || last[1..^1].SequenceEqual(Version);
    }
}
