using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace UnixLoop.Signals;

/// <summary>The names of signal(7), both ways.</summary>
internal static class SignalNames
{
    /// <summary>By number, as in asm-generic/signal.h, which x86-64 and arm64 share.</summary>
    private static readonly string[] Standard =
    [
        "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
        "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];

    private static readonly Dictionary<string, int> Synonyms =
        new(StringComparer.OrdinalIgnoreCase) { ["IOT"] = 6, ["CLD"] = 17, ["POLL"] = 29 };

    /// <summary>Made once for each number: a delivery must not format.</summary>
    private static readonly string?[] Names = new string?[UnixSignal.Max + 1];

    internal static string NameOf(int number) => Names[number] ??= Format(number);

    private static string Format(int number)
    {
        if (number == 0)
            return "no signal";
        if (number < Standard.Length)
            return $"SIG{Standard[number]}";
        int offset = number - Interop.Libc.SigRtMin;
        return offset switch
        {
            < 0 => number.ToString(CultureInfo.InvariantCulture),
            0 => "SIGRTMIN",
            _ => $"SIGRTMIN+{offset}",
        };
    }

    internal static bool TryFind([NotNullWhen(true)] string? text, out int number, [NotNullWhen(false)] out string? error)
    {
        ReadOnlySpan<char> name = text.AsSpan().Trim();
        if (TryNumber(name, out number))
            return InRange(number, 1, UnixSignal.Max, $"'{text}' is no signal: the numbers are 1 to {UnixSignal.Max}.", out error);

        if (name.StartsWith("SIG", StringComparison.OrdinalIgnoreCase))
            name = name[3..];
        if (TryRealTime(name, out number))
            return InRange(number, Interop.Libc.SigRtMin, Interop.Libc.SigRtMax,
                $"'{text}' is no signal: RTMIN is {Interop.Libc.SigRtMin} and RTMAX is {Interop.Libc.SigRtMax} here.", out error);

        for (number = 1; number < Standard.Length; number++)
        {
            if (name.Equals(Standard[number], StringComparison.OrdinalIgnoreCase))
            {
                error = null;
                return true;
            }
        }
        if (Synonyms.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out number))
        {
            error = null;
            return true;
        }
        error = $"'{text}' is no signal: give a name of signal(7) such as TERM or SIGTERM, RTMIN+n, RTMAX-n, or a number from 1 to {UnixSignal.Max}.";
        return false;
    }

    /// <summary>"RTMIN", "RTMIN+3", "RTMAX", "RTMAX-1"; a number that is too large counts as beyond the range.</summary>
    private static bool TryRealTime(ReadOnlySpan<char> name, out int number)
    {
        bool fromMin = name.StartsWith("RTMIN", StringComparison.OrdinalIgnoreCase);
        number = fromMin ? Interop.Libc.SigRtMin : Interop.Libc.SigRtMax;
        if (!fromMin && !name.StartsWith("RTMAX", StringComparison.OrdinalIgnoreCase))
            return false;
        ReadOnlySpan<char> offset = name["RTMIN".Length..];
        if (offset.IsEmpty)
            return true;
        if (offset[0] != (fromMin ? '+' : '-') || !TryNumber(offset[1..], out int distance))
            return false;
        number += fromMin ? distance : -distance;
        return true;
    }

    /// <summary>Decimal digits only; what does not fit into the range of signals becomes a number beyond it.</summary>
    private static bool TryNumber(ReadOnlySpan<char> digits, out int number)
    {
        number = 0;
        if (digits.IsEmpty || digits.ContainsAnyExceptInRange('0', '9'))
            return false;
        foreach (char digit in digits)
            number = Math.Min(number * 10 + (digit - '0'), 1_000_000);
        return true;
    }

    private static bool InRange(int number, int first, int last, string otherwise, [NotNullWhen(false)] out string? error)
    {
        error = number >= first && number <= last ? null : otherwise;
        return error is null;
    }
}
