using System.Diagnostics.CodeAnalysis;
using UnixLoop.Signals;

namespace UnixLoop;

public readonly partial record struct UnixSignal : IParsable<UnixSignal>
{
    /// <summary>Reads "TERM", "SIGTERM", "15", "RTMIN+3" or "RTMAX-1", in upper or lower case.</summary>
    /// <param name="s">A name as in signal(7), with or without SIG, or a number from 1 to 64.</param>
    /// <param name="provider">Not used: the names are the same everywhere.</param>
    /// <exception cref="FormatException"><paramref name="s"/> is no signal; the message names it and what would be one.</exception>
    public static UnixSignal Parse(string s, IFormatProvider? provider = null)
    {
        ArgumentNullException.ThrowIfNull(s);
        return SignalNames.TryFind(s, out int number, out string? error) ? new(number) : throw new FormatException(error);
    }

    /// <inheritdoc cref="Parse(string, IFormatProvider?)"/>
    /// <param name="s">A name as in signal(7), with or without SIG, or a number from 1 to 64.</param>
    /// <param name="result">The signal; <c>default</c> when there is none.</param>
    /// <returns>Whether <paramref name="s"/> is a signal.</returns>
    public static bool TryParse([NotNullWhen(true)] string? s, out UnixSignal result)
    {
        bool found = SignalNames.TryFind(s, out int number, out _);
        result = found ? new(number) : default;
        return found;
    }

    /// <inheritdoc cref="TryParse(string?, out UnixSignal)"/>
    /// <param name="s">A name as in signal(7), with or without SIG, or a number from 1 to 64.</param>
    /// <param name="provider">Not used: the names are the same everywhere.</param>
    /// <param name="result">The signal; <c>default</c> when there is none.</param>
    static bool IParsable<UnixSignal>.TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out UnixSignal result) =>
        TryParse(s, out result);
}
