using UnixLoop.Interop;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>Gives a file, opened with O_PATH, its owner, group and mode, and proves that it has exactly those.</summary>
internal static class FileAccessRights
{
    /// <param name="file">What is changed, whatever stands at its path by now.</param>
    /// <param name="mode">Null leaves it.</param>
    /// <param name="owner">Null leaves it.</param>
    /// <param name="group">Null leaves it.</param>
    /// <param name="address">For errors.</param>
    /// <param name="kind">For errors: "the socket".</param>
    internal static void Set(UnixHandle file, uint? mode, uint? owner, uint? group, UnixSocketAddress address, string kind)
    {
        // The owner first: a mode that is meant for the new group must not hold for the old one.
        if (owner is not null || group is not null)
            BindErrors.ThrowIfError(Libc.ChangeOwner(file.Descriptor, owner, group), address, $"{kind} can't be given to {Names(owner, group)}");
        if (mode is uint bits)
            BindErrors.ThrowIfError(Libc.ChangeModeThroughPath(file.Descriptor, bits), address, $"{kind} can't get mode {Octal(bits)}");

        BindErrors.ThrowIfError(Libc.Stat(file.Descriptor, [], out FileStatus status), address, $"{kind} can't be examined");
        if (mode is uint asked && status.Permissions != asked)
            throw BindErrors.Create(Tmds.Linux.LibC.EPERM, address, $"{kind} has mode {Octal(status.Permissions)} after it was given {Octal(asked)}");
        if (owner is uint user && status.Owner != user || group is uint g && status.Group != g)
            throw BindErrors.Create(Tmds.Linux.LibC.EPERM, address, $"{kind} belongs to {Names(status.Owner, status.Group)} after it was given to {Names(owner, group)}");
    }

    private static string Octal(uint mode) => "0" + Convert.ToString(mode, 8).PadLeft(3, '0');

    private static string Names(uint? owner, uint? group) =>
        string.Join(" and ", new[] { owner is null ? null : $"user {owner}", group is null ? null : $"group {group}" }.OfType<string>());
}
