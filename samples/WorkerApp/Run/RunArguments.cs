using System.Globalization;

namespace WorkerApp.Run;

/// <summary>The arguments of "run".</summary>
internal sealed record RunArguments(string Command, string[] Arguments)
{
    /// <summary>Null: the command may take as long as it likes.</summary>
    internal TimeSpan? Timeout { get; init; }

    /// <summary>Between TERM and KILL, once the time-out has passed.</summary>
    internal TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(2);

    internal static RunArguments Parse(ReadOnlySpan<string> args)
    {
        RunArguments options = new("", []);
        while (args is [['-', ..] option, ..])
        {
            args = args[1..];
            if (option == "--")
                break;
            if (option is not ("--timeout" or "--grace"))
                throw new UsageException($"run: unknown option '{option}'");
            string value = args is [{ } next, ..] ? next : throw new UsageException($"run: {option} needs a duration such as 500ms, 5s or 2m");
            if (!TryParseDuration(value, out TimeSpan duration))
                throw new UsageException($"run: '{value}' is not a duration such as 500ms, 5s or 2m");
            if (option == "--timeout" && duration == TimeSpan.Zero)
                throw new UsageException("run: --timeout must be above zero");
            options = option == "--timeout" ? options with { Timeout = duration } : options with { Grace = duration };
            args = args[1..];
        }
        return args is [{ Length: > 0 } command, .. var arguments]
            ? options with { Command = command, Arguments = arguments.ToArray() }
            : throw new UsageException("run: no command");
    }

    /// <summary>A number with ms, s, m or h; without a unit, seconds.</summary>
    private static bool TryParseDuration(string text, out TimeSpan duration)
    {
        (string number, TimeSpan unit) = text switch
        {
            [.. var n, 'm', 's'] => (n, TimeSpan.FromMilliseconds(1)),
            [.. var n, 's'] => (n, TimeSpan.FromSeconds(1)),
            [.. var n, 'm'] => (n, TimeSpan.FromMinutes(1)),
            [.. var n, 'h'] => (n, TimeSpan.FromHours(1)),
            _ => (text, TimeSpan.FromSeconds(1)),
        };
        duration = default;
        // An upper bound that every timer of .NET can take.
        if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal count)
            || count > int.MaxValue / (decimal)unit.TotalMilliseconds)
            return false;
        duration = TimeSpan.FromMilliseconds((double)(count * (decimal)unit.TotalMilliseconds));
        return true;
    }
}
