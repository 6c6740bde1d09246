using System.Globalization;

namespace UnixLoop.Hosting.Supervision;

/// <summary>Turns the options that configuration can express into the attributes of a start.</summary>
internal static class ProcessAttributes
{
    private const UnixFileMode AllModes = (UnixFileMode)0b111_111_111;

    /// <summary>Null where none is asked for.</summary>
    /// <param name="options">Valid ones.</param>
    internal static SubprocessAttributes? Of(SupervisedProcessOptions options) => Parse(options, []);

    internal static void Check(SupervisedProcessOptions options, List<string> mistakes)
    {
        if (Parse(options, mistakes)?.WhyUnavailable() is { } reason)
            mistakes.Add(reason);
    }

    private static SubprocessAttributes? Parse(SupervisedProcessOptions options, List<string> mistakes)
    {
        if (options is { User: null, Group: null, Groups.Count: 0, Umask: null, Limits.Count: 0, ParentDeathSignal: null, NoNewPrivileges: false, Cgroup: null })
            return null;
        var attributes = new SubprocessAttributes
        {
            User = options.User,
            Group = options.Group,
            Groups = options.Groups.Count > 0 ? [.. options.Groups] : null,
            NoNewPrivileges = options.NoNewPrivileges,
            Cgroup = options.Cgroup,
        };
        if (options.Umask is { } umask)
        {
            attributes.Umask = TryParseMode(umask, out UnixFileMode mode) ? mode : null;
            if (attributes.Umask is null)
                mistakes.Add($"{nameof(options.Umask)} is '{umask}'; it must be octal digits from 0 to 777.");
        }

        if (options.ParentDeathSignal is { } name)
        {
            attributes.ParentDeathSignal = UnixSignal.TryParse(name, out UnixSignal signal) ? signal : null;
            if (attributes.ParentDeathSignal is null)
                mistakes.Add($"{nameof(options.ParentDeathSignal)} is '{name}'; it must be a signal such as TERM or KILL.");
        }

        foreach ((string resource, string value) in options.Limits)
            AddLimit(attributes, resource, value, mistakes);
        return attributes;
    }

    private static void AddLimit(SubprocessAttributes attributes, string resource, string value, List<string> mistakes)
    {
        if (!Enum.TryParse(resource, ignoreCase: true, out ResourceLimit limit) || !Enum.IsDefined(limit))
        {
            mistakes.Add($"{nameof(SupervisedProcessOptions.Limits)} names '{resource}'; it must be one of {string.Join(", ", Enum.GetNames<ResourceLimit>())}.");
            return;
        }

        string[] parts = value?.Split(':') ?? [];
        if (parts.Length is 1 or 2 && TryParseLimit(parts[0], out ulong soft) && TryParseLimit(parts[^1], out ulong hard) && soft <= hard)
            attributes.Limits[limit] = new ResourceLimitValue(soft, hard);
        else
            mistakes.Add($"{nameof(SupervisedProcessOptions.Limits)}:{resource} is '{value}'; it must be a number or 'unlimited', or two of them with a colon, the soft limit not above the hard one.");
    }

    private static bool TryParseLimit(string text, out ulong limit)
    {
        limit = ResourceLimitValue.Unlimited;
        return text.Equals("unlimited", StringComparison.OrdinalIgnoreCase) || ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit);
    }

    private static bool TryParseMode(string octal, out UnixFileMode mode)
    {
        mode = UnixFileMode.None;
        if (octal.Length is 0 or > 4)
            return false;
        int bits = 0;
        foreach (char digit in octal)
        {
            if (digit is < '0' or > '7')
                return false;
            bits = (bits * 8) + (digit - '0');
        }

        mode = (UnixFileMode)bits;
        return (mode & ~AllModes) == 0;
    }
}
