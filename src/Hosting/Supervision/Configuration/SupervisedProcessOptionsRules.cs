using System.Text;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace UnixLoop.Hosting.Supervision;

/// <summary>Lists every mistake in the options of one process. Values that may hold secrets, arguments and variables, are never part of a message.</summary>
internal sealed class SupervisedProcessOptionsRules(IOptions<HostOptions> host) : IValidateOptions<SupervisedProcessOptions>
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(1);

    public ValidateOptionsResult Validate(string? name, SupervisedProcessOptions options)
    {
        List<string> mistakes = [.. options.Mistakes];
        CheckProgram(options, mistakes);
        CheckRestarts(options, mistakes);
        CheckReadiness(options, mistakes);
        CheckStop(options, mistakes);
        ProcessAttributes.Check(options, mistakes);
        return mistakes.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(mistakes);
    }

    private static void CheckProgram(SupervisedProcessOptions options, List<string> mistakes)
    {
        if (string.IsNullOrEmpty(options.FileName))
            mistakes.Add($"{nameof(options.FileName)} is empty; it must name a program.");
        CheckText(options.FileName, nameof(options.FileName), mistakes);
        CheckText(options.WorkingDirectory, nameof(options.WorkingDirectory), mistakes);
        if (options.WorkingDirectory is "")
            mistakes.Add($"{nameof(options.WorkingDirectory)} is empty; leave it out for our own.");
        for (int i = 0; i < options.Arguments.Count; i++)
        {
            if (options.Arguments[i] is null)
                mistakes.Add($"{nameof(options.Arguments)}[{i}] is null; an argument may be empty, but has to be there.");
            CheckText(options.Arguments[i], $"{nameof(options.Arguments)}[{i}]", mistakes);
        }

        foreach ((string variable, string? value) in options.Environment)
        {
            if (variable.Length == 0 || variable.Contains('='))
                mistakes.Add($"{nameof(options.Environment)} has a variable named '{variable}'; a name is not empty and has no '='.");
            CheckText(variable, $"a name in {nameof(options.Environment)}", mistakes);
            CheckText(value, $"{nameof(options.Environment)}:{variable}", mistakes);
        }
    }

    private static void CheckRestarts(SupervisedProcessOptions options, List<string> mistakes)
    {
        if (!Enum.IsDefined(options.Restart))
            mistakes.Add($"{nameof(options.Restart)} is {(int)options.Restart}; it must be {string.Join(", ", Enum.GetNames<RestartPolicy>())}.");
        CheckRange(options.RestartDelay, TimeSpan.Zero, Hour, nameof(options.RestartDelay), mistakes);
        CheckRange(options.MaxRestartDelay, TimeSpan.Zero, Day, nameof(options.MaxRestartDelay), mistakes);
        if (options.MaxRestartDelay < options.RestartDelay)
            mistakes.Add($"{nameof(options.MaxRestartDelay)} is {options.MaxRestartDelay:c}; it must not be below {nameof(options.RestartDelay)}, which is {options.RestartDelay:c}.");
        CheckRange(options.StableAfter, TimeSpan.Zero, Day, nameof(options.StableAfter), mistakes);
        if (options.MaxStarts is < 0 or > 10_000)
            mistakes.Add($"{nameof(options.MaxStarts)} is {options.MaxStarts}; it must be between 0 (no limit) and 10000.");
        CheckRange(options.StartWindow, Least, Day, nameof(options.StartWindow), mistakes);
    }

    private static void CheckReadiness(SupervisedProcessOptions options, List<string> mistakes)
    {
        CheckRange(options.ReadyTimeout, Least, Day, nameof(options.ReadyTimeout), mistakes);
        if (options.ReadyPattern is not null && options.ReadySocket is not null)
            mistakes.Add($"{nameof(options.ReadyPattern)} and {nameof(options.ReadySocket)} exclude each other.");
        if (options.ReadySocket is { } socket && (socket is "" or "@" || Encoding.UTF8.GetByteCount(socket) > SocketProbe.MaxPathBytes || socket.Contains('\0')))
            mistakes.Add($"{nameof(options.ReadySocket)} is '{socket}'; it must be a path, or an abstract name after an @, of at most {SocketProbe.MaxPathBytes} bytes.");
        if (options.ReadyPattern is not { } pattern)
            return;
        if (pattern.Length == 0)
            mistakes.Add($"{nameof(options.ReadyPattern)} is empty; every line would match.");
        try
        {
            Readiness.ToRegex(pattern);
        }
        catch (ArgumentException e)
        {
            mistakes.Add($"{nameof(options.ReadyPattern)} is no regular expression: {e.Message}");
        }
    }

    private void CheckStop(SupervisedProcessOptions options, List<string> mistakes)
    {
        if (!UnixSignal.TryParse(options.StopSignal, out _))
            mistakes.Add($"{nameof(options.StopSignal)} is '{options.StopSignal}'; it must be a signal such as TERM, INT or 15.");
        if (options.StopGrace is not { } grace)
            return;
        CheckRange(grace, TimeSpan.Zero, Hour, nameof(options.StopGrace), mistakes);
        TimeSpan shutdown = host.Value.ShutdownTimeout;
        if (shutdown != Timeout.InfiniteTimeSpan && grace + UnixEventLoopOptionsRules.ReapBound > shutdown)
        {
            mistakes.Add(
                $"{nameof(options.StopGrace)} is {grace:c} and HostOptions.ShutdownTimeout is {shutdown:c}; the grace and "
                + $"{UnixEventLoopOptionsRules.ReapBound.TotalSeconds} s for killing and reaping must fit into the shutdown timeout.");
        }
    }

    private static void CheckRange(TimeSpan value, TimeSpan minimum, TimeSpan maximum, string property, List<string> mistakes)
    {
        if (value < minimum || value > maximum)
            mistakes.Add($"{property} is {value:c}; it must be between {minimum:c} and {maximum:c}.");
    }

    private static void CheckText(string? text, string property, List<string> mistakes)
    {
        if (text?.Contains('\0') == true)
            mistakes.Add($"{property} has a NUL character, where the program would see its end.");
    }
}
