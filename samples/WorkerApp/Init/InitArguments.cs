using UnixLoop;

namespace WorkerApp.Init;

/// <summary>The arguments of "init": tini's -g and -s, and dumb-init's rewriting of signals; letters may stand together, as for getopt(3).</summary>
internal sealed record InitArguments(string Command, string[] Arguments, UnixInitOptions Options)
{
    internal static InitArguments Parse(ReadOnlySpan<string> args)
    {
        UnixInitOptions options = new();
        while (args is [['-', ..] option, ..])
        {
            args = args[1..];
            if (option == "--")
                break;
            ReadOnlySpan<char> letters = option.AsSpan(1);
            do
            {
                if (letters is ['g', ..])
                    options.SignalGroup = true;
                else if (letters is ['s', ..])
                    options.Subreaper = true;
                else if (letters is ['r', .. var rule])
                    AddRule(rule.IsEmpty ? Next(ref args) : rule.ToString(), options);
                else
                    throw new UsageException($"init: unknown option '{option}'");
                letters = letters[0] == 'r' ? [] : letters[1..];
            }
            while (!letters.IsEmpty);
        }
        return args is [{ Length: > 0 } command, .. var arguments]
            ? new InitArguments(command, arguments.ToArray(), options)
            : throw new UsageException("init: no command");
    }

    private static string? Next(ref ReadOnlySpan<string> args)
    {
        if (args.IsEmpty)
            return null;
        string next = args[0];
        args = args[1..];
        return next;
    }

    private static void AddRule(string? rule, UnixInitOptions options)
    {
        if (rule?.Split(':') is not [{ Length: > 0 } from, { Length: > 0 } to])
            throw new UsageException("init: -r needs two signals such as TERM:QUIT");
        options.SignalMap[Signal(from)] = Signal(to);
    }

    private static UnixSignal Signal(string name) =>
        UnixSignal.TryParse(name, out UnixSignal signal) ? signal : throw new UsageException($"init: '{name}' of -r is no signal");
}
