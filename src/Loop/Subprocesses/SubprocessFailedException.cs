using System.Text;

namespace UnixLoop;

/// <summary>A child ended with a status other than exit code 0.</summary>
public sealed class SubprocessFailedException : Exception
{
    internal const int TailBytes = 2048;

    /// <param name="command">What was run.</param>
    /// <param name="place">Where in its pipeline; may be empty.</param>
    /// <param name="exit">How it ended.</param>
    /// <param name="standardError">The end of it; one byte more than <see cref="TailBytes"/> says that it was cut.</param>
    /// <param name="encoding">Of that; one that never throws.</param>
    internal SubprocessFailedException(string command, string place, ChildExitStatus exit, ReadOnlySpan<byte> standardError, Encoding encoding)
        : base(Describe(command, place, exit, standardError, encoding))
    {
        Exit = exit;
    }

    /// <summary>How it ended.</summary>
    public ChildExitStatus Exit { get; }

    private static string Describe(string command, string place, ChildExitStatus exit, ReadOnlySpan<byte> standardError, Encoding encoding)
    {
        bool cut = standardError.Length > TailBytes;
        string tail = encoding.GetString(cut ? standardError[TailStart(standardError.Length)..] : standardError).Trim();
        return $"'{command}'{place} ended with {exit}{(tail.Length == 0 ? "." : $": {(cut ? "…" : "")}{tail}")}";
    }

    /// <summary>At a whole unit of UTF-16 and UTF-32 too.</summary>
    private static int TailStart(int length) => (length - TailBytes) & ~3;
}
