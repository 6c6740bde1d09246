using System.Text;

namespace UnixLoop;

/// <summary>How a run ended and what it wrote.</summary>
public sealed class SubprocessResult
{
    internal SubprocessResult(string command, ChildExitStatus exit, byte[] output, byte[] error, bool truncated, bool timedOut)
    {
        Command = command;
        Exit = exit;
        OutputBytes = output;
        ErrorBytes = error;
        Truncated = truncated;
        TimedOut = timedOut;
    }

    internal string Command { get; }

    /// <summary>How the child ended.</summary>
    public ChildExitStatus Exit { get; }

    /// <summary>What it wrote to standard output, as bytes; empty if that was not captured.</summary>
    public ReadOnlyMemory<byte> OutputBytes { get; }

    /// <summary>What it wrote to standard error, as bytes; empty if that was not captured.</summary>
    public ReadOnlyMemory<byte> ErrorBytes { get; }

    /// <summary>Standard output as UTF-8 text; invalid bytes become U+FFFD.</summary>
    public string Output => Encoding.UTF8.GetString(OutputBytes.Span);

    /// <summary>Standard error as UTF-8 text; invalid bytes become U+FFFD.</summary>
    public string Error => Encoding.UTF8.GetString(ErrorBytes.Span);

    /// <summary>Whether output is missing: over <see cref="SubprocessRunOptions.MaxOutputBytes"/>, or still open at <see cref="SubprocessRunOptions.DrainBound"/>.</summary>
    public bool Truncated { get; }

    /// <summary>Whether <see cref="SubprocessRunOptions.Timeout"/> passed and the child was stopped.</summary>
    public bool TimedOut { get; }

    /// <summary>Returns this result if the child exited with code 0 in time.</summary>
    /// <exception cref="SubprocessFailedException">It did not; the message has the command, the exit and the end of standard error.</exception>
    /// <exception cref="TimeoutException">The time-out passed.</exception>
    public SubprocessResult EnsureSuccess()
    {
        if (TimedOut)
            throw new TimeoutException($"'{Command}' was stopped at its time-out: {Exit}.");
        return Exit.IsSuccess ? this : throw new SubprocessFailedException(Command, Exit, ErrorBytes.Span);
    }
}
