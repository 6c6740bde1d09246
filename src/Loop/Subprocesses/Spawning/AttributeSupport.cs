namespace UnixLoop.Subprocesses;

/// <summary>Which attributes can be had in this process, and why not the others.</summary>
internal static class AttributeSupport
{
    /// <summary>Null if all that <paramref name="attributes"/> asks for can be had.</summary>
    internal static string? WhyUnavailable(SubprocessAttributes attributes) =>
        FirstSet(attributes) is string option && HelperReason is string reason
            ? $"{nameof(SubprocessAttributes)}.{option} is not available here: {reason}."
            : null;

    /// <exception cref="PlatformNotSupportedException">One of them can't be had; names it and the reason.</exception>
    internal static void Check(SubprocessAttributes attributes)
    {
        if (WhyUnavailable(attributes) is string reason)
            throw new PlatformNotSupportedException(reason);
    }

    /// <summary>The name of an attribute that differs from its default; null if none does.</summary>
    internal static string? FirstSet(SubprocessAttributes attributes) =>
        attributes.User is not null ? nameof(attributes.User)
        : attributes.Group is not null ? nameof(attributes.Group)
        : attributes.Groups is not null ? nameof(attributes.Groups)
        : attributes.Umask is not null ? nameof(attributes.Umask)
        : attributes.Limits.Count > 0 ? nameof(attributes.Limits)
        : attributes.ParentDeathSignal is not null ? nameof(attributes.ParentDeathSignal)
        : attributes.NoNewPrivileges ? nameof(attributes.NoNewPrivileges)
        : attributes.Cgroup is not null ? nameof(attributes.Cgroup)
        : null;

    /// <summary>Null where the helper is there.</summary>
    private static string? HelperReason => "this build has no native helper";
}
