using System.Text;

namespace UnixLoop;

/// <summary>A child ended with a status other than exit code 0.</summary>
public sealed class SubprocessFailedException : Exception
{
    internal const int TailBytes = 2048;

    internal SubprocessFailedException(string command, ChildExitStatus exit, ReadOnlySpan<byte> standardError)
        : base(Describe(command, exit, standardError))
    {
        Exit = exit;
    }

    /// <summary>How it ended.</summary>
    public ChildExitStatus Exit { get; }

    private static string Describe(string command, ChildExitStatus exit, ReadOnlySpan<byte> standardError)
    {
        bool cut = standardError.Length > TailBytes;
        string tail = Encoding.UTF8.GetString(cut ? standardError[^TailBytes..] : standardError).Trim();
        return tail.Length == 0 ? $"'{command}' ended with {exit}." : $"'{command}' ended with {exit}: {(cut ? "…" : "")}{tail}";
    }
}
