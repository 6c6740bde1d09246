namespace UnixLoop;

/// <summary>A line that a child wrote.</summary>
/// <param name="Text">Without its line end, by <see cref="SubprocessRunOptions.Encoding"/>.</param>
/// <param name="IsError">Whether it came from standard error.</param>
/// <param name="Truncated">Whether it was longer than <see cref="SubprocessRunOptions.MaxLineBytes"/>: the rest of the line was dropped.</param>
public readonly record struct SubprocessLine(string Text, bool IsError, bool Truncated = false);
