using UnixLoop.Interop;

namespace UnixLoop.Subprocesses;

/// <summary>What <see cref="SubprocessAttributes"/> must not ask for, whatever the system.</summary>
internal static class AttributeRules
{
    private const UnixFileMode Permissions = (UnixFileMode)0b111_111_111;

    /// <exception cref="ArgumentException">Names the property, its value and the rule.</exception>
    internal static void Check(SubprocessAttributes attributes)
    {
        CheckName(attributes.User, nameof(attributes.User));
        CheckName(attributes.Group, nameof(attributes.Group));
        for (int i = 0; i < attributes.Groups?.Count; i++)
            CheckName(attributes.Groups[i] ?? throw Refuse($"{nameof(attributes.Groups)}[{i}]", "is null"), $"{nameof(attributes.Groups)}[{i}]");
        CheckName(attributes.Cgroup, nameof(attributes.Cgroup));
        if (attributes.Umask is UnixFileMode umask && (umask & ~Permissions) != 0)
            throw Refuse(nameof(attributes.Umask), $"is {Convert.ToString((int)umask, 8)} (octal); a mask has the permissions 0777 alone (umask(2))");
        if (attributes.ParentDeathSignal == default(UnixSignal))
            throw Refuse(nameof(attributes.ParentDeathSignal), "is the default value, which is no signal; null stands for none");
        foreach ((ResourceLimit resource, ResourceLimitValue limit) in attributes.Limits)
        {
            if (resource is < ResourceLimit.Cpu or > ResourceLimit.RtTime)
                throw Refuse(nameof(attributes.Limits), $"has {(int)resource}, which is no resource");
            if (limit.Soft > limit.Hard)
                throw Refuse($"{nameof(attributes.Limits)}[{resource}]", $"is {limit}; the soft limit can't be above the hard one (setrlimit(2))");
        }
    }

    private static void CheckName(string? text, string property)
    {
        if (text is "")
            throw Refuse(property, "is empty");
        if (PosixText.FaultOf(text) is { } fault)
            throw Refuse(property, fault);
    }

    private static ArgumentException Refuse(string property, string rule) => new($"{nameof(SubprocessAttributes)}: {property} {rule}.");
}
