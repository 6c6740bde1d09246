using System.Globalization;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

/// <summary>A child's user and groups as numbers; null where they are ours.</summary>
internal readonly record struct ChildCredentials(uint? User, uint? Group, uint[]? Groups)
{
    internal static ChildCredentials Resolve(SubprocessStartInfo info, SubprocessAttributes attributes)
    {
        Libc.Account? account = attributes.User is string user ? FindUser(info, user, needsGroup: attributes.Group is null) : null;
        uint? group = attributes.Group is string name ? FindGroup(info, name, nameof(attributes.Group)) : account?.Group;
        uint[]? groups =
            attributes.Groups is IList<string> names ? [.. names.Select((n, i) => FindGroup(info, n, $"{nameof(attributes.Groups)}[{i}]"))]
            : account is not { } found ? null
            : found.Name.Length == 0 ? [] // A number without a name is in no group's list.
            : Libc.GroupsOf(found.Name, found.Group);
        return new ChildCredentials(account?.User, group, groups);
    }

    private static Libc.Account FindUser(SubprocessStartInfo info, string text, bool needsGroup)
    {
        if (!TryNumber(text, out uint number))
        {
            PosixResult byName = Libc.UserByName(text, out Libc.Account named);
            return byName.IsSuccess ? named : throw Unknown(info, nameof(SubprocessAttributes.User), text, "user", byName.Errno);
        }
        PosixResult byNumber = Libc.UserByNumber(number, out Libc.Account account);
        if (byNumber.IsSuccess)
            return account;
        // Ours would be its group, with all that it may do: nobody means that.
        return !needsGroup ? new Libc.Account("", number, 0)
            : throw AttributeErrors.Create(info, nameof(SubprocessAttributes.User), byNumber.Errno, $"'{text}' is no user that the system knows, so its group is unknown: set {nameof(SubprocessAttributes.Group)} as well");
    }

    private static uint FindGroup(SubprocessStartInfo info, string text, string property)
    {
        if (TryNumber(text, out uint number))
            return number;
        PosixResult found = Libc.GroupByName(text, out uint group);
        return found.IsSuccess ? group : throw Unknown(info, property, text, "group", found.Errno);
    }

    /// <summary>Digits alone are a number; 2^32-1 is none: setresuid(2) takes it for "leave it".</summary>
    private static bool TryNumber(string text, out uint number) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number != uint.MaxValue;

    private static SubprocessStartException Unknown(SubprocessStartInfo info, string property, string text, string kind, int errno) =>
        AttributeErrors.Create(info, property, errno, errno == ENOENT ? $"there is no {kind} '{text}'" : $"can't look up the {kind} '{text}': {PosixError.Message(errno)}");
}
