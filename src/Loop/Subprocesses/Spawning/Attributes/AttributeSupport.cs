using UnixLoop.Interop;

namespace UnixLoop.Subprocesses;

/// <summary>Which attributes can be had in this process, and why not the others.</summary>
internal static class AttributeSupport
{
    /// <summary>Null if all that <paramref name="attributes"/> asks for can be had.</summary>
    internal static string? WhyUnavailable(SubprocessAttributes attributes, SpawnFeatures features) =>
        FirstSet(attributes) is string option && features.HelperMissing is string reason
            ? $"{nameof(SubprocessAttributes)}.{option} can't be had here: {reason}."
            : null;

    /// <summary>Whether anything is asked for; an object that says nothing costs nothing.</summary>
    /// <exception cref="PlatformNotSupportedException">One of them can't be had; names it and the reason.</exception>
    internal static bool Check(SubprocessAttributes? attributes, SpawnFeatures features)
    {
        if (attributes is null || FirstSet(attributes) is null)
            return false;
        return WhyUnavailable(attributes, features) is string reason ? throw new PlatformNotSupportedException(reason) : true;
    }

    /// <summary>The name of an attribute that differs from its default; null if none does.</summary>
    private static string? FirstSet(SubprocessAttributes attributes) =>
        attributes.User is not null ? nameof(attributes.User)
        : attributes.Group is not null ? nameof(attributes.Group)
        : attributes.Groups is not null ? nameof(attributes.Groups)
        : attributes.Umask is not null ? nameof(attributes.Umask)
        : attributes.Limits.Count > 0 ? nameof(attributes.Limits)
        : attributes.ParentDeathSignal is not null ? nameof(attributes.ParentDeathSignal)
        : attributes.NoNewPrivileges ? nameof(attributes.NoNewPrivileges)
        : attributes.Cgroup is not null ? nameof(attributes.Cgroup)
        : null;
}
