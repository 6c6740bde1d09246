using System.Buffers;
using System.Globalization;
using System.Text;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>Makes bytes printable, so that no name can garble a log line: what is not printable UTF-8 becomes \xNN.</summary>
internal static class EscapedName
{
    internal static string Of(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            bool valid = Rune.DecodeFromUtf8(bytes, out Rune rune, out int length) == OperationStatus.Done;
            if (valid && IsPrintable(rune))
            {
                text.Append(rune);
            }
            else
            {
                foreach (byte b in bytes[..length])
                    text.Append(CultureInfo.InvariantCulture, $"\\x{b:x2}");
            }
            bytes = bytes[length..];
        }
        return text.ToString();
    }

    private static bool IsPrintable(Rune rune) =>
        rune.Value != '\\' && Rune.GetUnicodeCategory(rune) is not (
            UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
            or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
}
