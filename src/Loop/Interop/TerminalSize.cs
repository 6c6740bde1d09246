namespace UnixLoop.Interop;

/// <summary>A terminal's window in characters.</summary>
internal readonly record struct TerminalSize(ushort Columns, ushort Rows)
{
    /// <exception cref="ArgumentOutOfRangeException">struct winsize has 16 bits for each, and programs take 0 for unknown.</exception>
    internal static void Check(int columns, int rows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(columns, ushort.MaxValue);
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, ushort.MaxValue);
    }
}
