using System.Buffers;
using System.Text.Unicode;

namespace UnixLoop.Interop;

/// <summary>Text that a system call gets in UTF-8, with a NUL behind it.</summary>
internal static class PosixText
{
    /// <summary>Why the call would get another text, as the end of a sentence that names this one; null if it would not. Allocates nothing then.</summary>
    internal static string? FaultOf(string? text)
    {
        int nul = text.AsSpan().IndexOf('\0');
        if (nul >= 0)
            return $"has a NUL character at index {nul}, which is the end of a text for the kernel";
        return text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') && !IsWellFormed(text) ? "has half a surrogate pair, which UTF-8 can't express" : null;
    }

    private static bool IsWellFormed(ReadOnlySpan<char> text)
    {
        Span<byte> sink = stackalloc byte[512];
        OperationStatus status;
        do
        {
            status = Utf8.FromUtf16(text, sink, out int read, out _, replaceInvalidSequences: false);
            text = text[read..];
        }
        while (status == OperationStatus.DestinationTooSmall);
        return status == OperationStatus.Done;
    }
}
