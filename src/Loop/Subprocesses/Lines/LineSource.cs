namespace UnixLoop.Subprocesses;

/// <summary>One stream that lines come from.</summary>
internal sealed class LineSource(LineFormat format)
{
    internal LineSplitter Lines { get; } = new(format);

    /// <summary>Of standard error, for the message of an exception; null for standard output.</summary>
    internal TailBuffer? Tail { get; } = format.IsError ? new TailBuffer(SubprocessFailedException.TailBytes + 1) : null;
}
