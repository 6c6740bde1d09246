using UnixLoop;

namespace WorkerApp.Init;

/// <summary>The arguments of "init": tini's -g and -s, and dumb-init's rewriting of signals.</summary>
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
            if (option == "-g")
                options.SignalGroup = true;
            else if (option == "-s")
                options.Subreaper = true;
            else if (option == "-r" && args is [{ } rule, ..] && TryParseRule(rule, options))
                args = args[1..];
            else
                throw new UsageException(option == "-r" ? "init: -r needs two signals such as TERM:QUIT" : $"init: unknown option '{option}'");
        }
        return args is [{ Length: > 0 } command, .. var arguments]
            ? new InitArguments(command, arguments.ToArray(), options)
            : throw new UsageException("init: no command");
    }

    private static bool TryParseRule(string rule, UnixInitOptions options)
    {
        if (rule.Split(':') is not [{ } from, { } to] || !UnixSignal.TryParse(from, out UnixSignal came) || !UnixSignal.TryParse(to, out UnixSignal goes))
            return false;
        options.SignalMap[came] = goes;
        return true;
    }
}
