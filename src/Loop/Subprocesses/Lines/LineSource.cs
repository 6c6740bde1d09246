namespace UnixLoop.Subprocesses;

/// <summary>One stream that lines come from.</summary>
internal sealed class LineSource(bool isError, int maxLineBytes)
{
    internal LineSplitter Lines { get; } = new(isError, maxLineBytes);

    /// <summary>Of standard error, for the message of an exception; null for standard output.</summary>
    internal TailBuffer? Tail { get; } = isError ? new TailBuffer(SubprocessFailedException.TailBytes + 1) : null;
}
