using System.Text.RegularExpressions;

namespace UnixLoop.Hosting.Supervision;

/// <summary>What shows that a process is ready; made anew for each run.</summary>
internal sealed class Readiness
{
    /// <summary>A pattern that takes longer for one line would hold up the process's output.</summary>
    internal static readonly TimeSpan PatternTimeout = TimeSpan.FromSeconds(1);

    private readonly string? _socket;
    private volatile Regex? _pattern;

    internal Readiness(SupervisedProcessOptions options)
    {
        _socket = options.ReadySocket;
        _pattern = options.ReadyPattern is { } pattern ? ToRegex(pattern) : null;
        IsNeeded = _socket is not null || _pattern is not null;
    }

    internal bool IsNeeded { get; }

    /// <exception cref="ArgumentException">It is no regular expression; the message says why.</exception>
    internal static Regex ToRegex(string pattern) => new(pattern, RegexOptions.CultureInvariant, PatternTimeout);

    /// <summary>Whether this line shows it, for the first time.</summary>
    /// <exception cref="RegexMatchTimeoutException">The pattern took too long; the line counts as none.</exception>
    internal bool IsShownBy(string line)
    {
        if (_pattern is not { } pattern || !pattern.IsMatch(line))
            return false;
        _pattern = null;
        return true;
    }

    /// <summary>Ends when the socket accepts; without one, only by the token.</summary>
    internal async Task WaitForSocketAsync(TimeProvider clock, CancellationToken cancellationToken)
    {
        if (_socket is null)
            await Task.Delay(Timeout.InfiniteTimeSpan, clock, cancellationToken).ConfigureAwait(false);
        else
            await SocketProbe.WaitAsync(_socket, clock, cancellationToken).ConfigureAwait(false);
    }
}
