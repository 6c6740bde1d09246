using System.Text;

namespace UnixLoop.Subprocesses;

/// <summary>Encodings that never throw: what is invalid becomes U+FFFD, or the encoding's own replacement.</summary>
internal static class TextEncodings
{
    /// <param name="encoding">Null for UTF-8.</param>
    internal static Encoding Lenient(Encoding? encoding)
    {
        if (encoding is null)
            return Encoding.UTF8;
        if (encoding is { DecoderFallback: DecoderReplacementFallback, EncoderFallback: EncoderReplacementFallback })
            return encoding;
        var lenient = (Encoding)encoding.Clone();
        if (lenient.DecoderFallback is DecoderExceptionFallback)
            lenient.DecoderFallback = new DecoderReplacementFallback("\uFFFD");
        if (lenient.EncoderFallback is EncoderExceptionFallback)
            lenient.EncoderFallback = new EncoderReplacementFallback("?");
        return lenient;
    }

    /// <summary>Whether its line feeds can be found byte by byte.</summary>
    internal static bool HasByteLineFeeds(Encoding encoding) => encoding.GetBytes("\n") is [(byte)'\n'];
}
