namespace UnixLoop;

/// <summary>
/// Programs that run side by side, the output of each joined to the input of the next by a pipe of their own: a shell's
/// <c>a | b | c</c>, without a shell and without a byte through this process.
/// </summary>
/// <remarks>
/// It ends as with a shell's <c>pipefail</c>: the last member that did not exit with code 0 decides, a member that SIGPIPE ended
/// (its reader had enough) included. Each member has its own process group unless its start info says otherwise.
/// </remarks>
public sealed class SubprocessPipeline
{
    /// <summary>Names the programs, from the first to the last.</summary>
    /// <param name="members">
    /// One or more. <see cref="SubprocessStartInfo.Input"/> is the first one's to set, <see cref="SubprocessStartInfo.Output"/> the
    /// last one's. A member's <see cref="SubprocessStartInfo.PipeCapacity"/> is that of the pipe to the next one.
    /// </param>
    public SubprocessPipeline(params IEnumerable<SubprocessStartInfo> members)
    {
        ArgumentNullException.ThrowIfNull(members);
        Members = [.. members];
        if (Members.Count == 0)
            throw new ArgumentException("A pipeline has one member or more.", nameof(members));
        if (Members.Contains(null!))
            throw new ArgumentException("A member is null.", nameof(members));
    }

    /// <summary>The programs, from the first to the last.</summary>
    public IReadOnlyList<SubprocessStartInfo> Members { get; }

    /// <summary>The members for a log line or an error message, with " | " between them; not for a shell.</summary>
    public override string ToString() => string.Join(" | ", Members);
}
