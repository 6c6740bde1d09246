using System.Text;

namespace UnixLoop;

/// <summary>How a run ended and what it wrote.</summary>
public sealed class SubprocessResult
{
    private readonly SubprocessResult[]? _members;
    private readonly int _deciding;

    internal SubprocessResult(string command, ChildExitStatus exit, byte[] output, byte[] error, bool truncated, bool timedOut)
    {
        Command = command;
        Exit = exit;
        OutputBytes = output;
        ErrorBytes = error;
        Truncated = truncated;
        TimedOut = timedOut;
    }

    /// <summary>Of a pipeline: the last member's output, everybody's errors one after the other, and the exit of the one that decides.</summary>
    internal SubprocessResult(string command, SubprocessResult[] members, int deciding)
    {
        _members = members;
        _deciding = deciding;
        Command = command;
        Exit = members[deciding].Exit;
        OutputBytes = members[^1].OutputBytes;
        ErrorBytes = Array.FindAll(members, member => !member.ErrorBytes.IsEmpty) switch
        {
            [] => default,
            [var only] => only.ErrorBytes,
            var several => several.SelectMany(member => member.ErrorBytes.ToArray()).ToArray(),
        };
        Truncated = Array.Exists(members, member => member.Truncated);
        TimedOut = members[0].TimedOut;
    }

    internal string Command { get; }

    /// <summary>One that never throws.</summary>
    internal Encoding Encoding { get; init; } = Encoding.UTF8;

    /// <summary>Where the program stands in its pipeline, for messages.</summary>
    internal string Place { get; init; } = "";

    /// <summary>
    /// For a pipeline each member's own result, in order; else this result alone. A member has no output but the last one, since
    /// the next one has read it.
    /// </summary>
    public IReadOnlyList<SubprocessResult> Members => _members ?? [this];

    /// <summary>How the child ended; of a pipeline, the last member that did not exit with code 0, or the last one.</summary>
    public ChildExitStatus Exit { get; }

    /// <summary>What it wrote to standard output, as bytes; empty if that was not captured.</summary>
    public ReadOnlyMemory<byte> OutputBytes { get; }

    /// <summary>What it wrote to standard error, as bytes; empty if that was not captured. Of a pipeline, what its members wrote, one after the other.</summary>
    public ReadOnlyMemory<byte> ErrorBytes { get; }

    /// <summary>Standard output as text in <see cref="SubprocessRunOptions.Encoding"/>; invalid bytes become U+FFFD.</summary>
    public string Output => Encoding.GetString(OutputBytes.Span);

    /// <summary>Standard error as text, as <see cref="Output"/>.</summary>
    public string Error => Encoding.GetString(ErrorBytes.Span);

    /// <summary>Whether output is missing: over <see cref="SubprocessRunOptions.MaxOutputBytes"/>, or still open at <see cref="SubprocessRunOptions.DrainBound"/>.</summary>
    public bool Truncated { get; }

    /// <summary>Whether <see cref="SubprocessRunOptions.Timeout"/> passed and the child was stopped.</summary>
    public bool TimedOut { get; }

    /// <summary>Returns this result if the child exited with code 0 in time.</summary>
    /// <exception cref="SubprocessFailedException">It did not; the message has the command (of a pipeline, the member that decides), the exit and the end of its standard error, of what was kept of that.</exception>
    /// <exception cref="TimeoutException">The time-out passed.</exception>
    public SubprocessResult EnsureSuccess()
    {
        if (TimedOut)
            throw new TimeoutException($"'{Command}' was stopped at its time-out: {Exit}.");
        if (Exit.IsSuccess)
            return this;
        SubprocessResult failed = Members[_deciding];
        throw new SubprocessFailedException(failed.Command, failed.Place, Exit, failed.ErrorBytes.Span, Encoding);
    }
}
