using System.Globalization;
using System.Text;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>Users and groups that options name: digits alone are a number, all else is looked up.</summary>
internal static class AccountNumbers
{
    internal static uint? User(string? text, string option) => text is null ? null : UserOf(text, option);

    internal static uint? Group(string? text, string option) => text is null ? null : GroupOf(text, option);

    internal static HashSet<uint>? Users(IEnumerable<string>? texts, string option) => texts?.Select(text => UserOf(text, option)).ToHashSet();

    internal static HashSet<uint>? Groups(IEnumerable<string>? texts, string option) => texts?.Select(text => GroupOf(text, option)).ToHashSet();

    private static uint UserOf(string text, string option)
    {
        CheckText(text, option);
        if (TryNumber(text, out uint number))
            return number;
        PosixResult found = Libc.UserByName(text, out Libc.Account account);
        return found.IsSuccess ? account.User : throw Unknown(text, option, "user", found);
    }

    private static uint GroupOf(string text, string option)
    {
        CheckText(text, option);
        if (TryNumber(text, out uint number))
            return number;
        PosixResult found = Libc.GroupByName(text, out uint group);
        return found.IsSuccess ? group : throw Unknown(text, option, "group", found);
    }

    /// <summary>2^32-1 is no number of anybody: chown(2) takes it for "leave it".</summary>
    private static bool TryNumber(string text, out uint number) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number != uint.MaxValue;

    /// <summary>getpwnam(3) would look up another name.</summary>
    private static void CheckText(string text, string option)
    {
        if (text is null)
            throw new ArgumentException($"{option} has a null.");
        if (PosixText.FaultOf(text) is { } fault)
            throw new ArgumentException($"{option}: '{EscapedName.Of(Encoding.UTF8.GetBytes(text))}' {fault}.");
    }

    private static ArgumentException Unknown(string text, string option, string kind, PosixResult failure) =>
        new(failure.Errno == ENOENT ? $"{option}: there is no {kind} '{text}'." : $"{option}: the {kind} '{text}' can't be looked up: {PosixError.Message(failure.Errno)}.");
}
