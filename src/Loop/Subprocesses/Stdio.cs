using System.Runtime.InteropServices;
using UnixLoop.Interop;

namespace UnixLoop;

/// <summary>Where a child's standard stream comes from or goes to.</summary>
public sealed class Stdio
{
    private Stdio(StdioKind kind, SafeHandle? handle = null, string? path = null, bool append = false)
    {
        Kind = kind;
        Handle = handle;
        Path = path;
        Append = append;
    }

    /// <summary>The child has our own stream (the same open file description).</summary>
    public static Stdio Inherit { get; } = new(StdioKind.Inherit);

    /// <summary>/dev/null.</summary>
    public static Stdio Null { get; } = new(StdioKind.Null);

    /// <summary>A pipe to us (pipe(7)): <see cref="ISubprocess.Input"/>, <see cref="ISubprocess.Output"/>, <see cref="ISubprocess.Error"/>.</summary>
    public static Stdio Pipe { get; } = new(StdioKind.Pipe);

    /// <summary>For standard error only: wherever standard output goes (shell: <c>2&gt;&amp;1</c>).</summary>
    public static Stdio AsOutput { get; } = new(StdioKind.AsOutput);

    /// <summary>A file: opened to read for input; created if missing, and emptied, to write for output.</summary>
    /// <param name="path">Relative to our working directory, not to the child's.</param>
    /// <param name="append">For output: write at the end and keep what is there (O_APPEND).</param>
    public static Stdio File(string path, bool append = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new(StdioKind.File, path: path, append: append);
    }

    /// <summary>A descriptor of ours. It is borrowed for the start alone; the caller goes on owning it.</summary>
    /// <param name="handle">An open descriptor.</param>
    public static Stdio Descriptor(SafeHandle handle)
    {
        ArgumentNullException.ThrowIfNull(handle);
        return new(StdioKind.Descriptor, handle);
    }

    /// <summary>
    /// A new terminal (pty(7)), which becomes the controlling terminal of the child in a session of its own. Give the same object
    /// to each stream that is to be the terminal; what the child writes to it comes from <see cref="ISubprocess.Output"/>, and
    /// what is written to <see cref="ISubprocess.Input"/> is as if typed: a line ends in '\r' or '\n', and the character 4 (Ctrl-D) ends the input.
    /// </summary>
    /// <param name="columns">The window's width in characters, 1 to 65,535.</param>
    /// <param name="rows">The window's height in lines, 1 to 65,535.</param>
    public static Stdio Pty(int columns = 80, int rows = 24)
    {
        TerminalSize.Check(columns, rows);
        return new(StdioKind.Pty) { Size = new TerminalSize((ushort)columns, (ushort)rows) };
    }

    internal StdioKind Kind { get; }

    internal TerminalSize Size { get; private init; }

    internal SafeHandle? Handle { get; }

    internal string? Path { get; }

    internal bool Append { get; }

    /// <summary>"inherit", "null", "pipe", "as output", "file 'x'", "descriptor 5", "terminal 80x24".</summary>
    public override string ToString() => Kind switch
    {
        StdioKind.Inherit => "inherit",
        StdioKind.Null => "null",
        StdioKind.Pipe => "pipe",
        StdioKind.AsOutput => "as output",
        StdioKind.File => Append ? $"file '{Path}' (append)" : $"file '{Path}'",
        StdioKind.Pty => $"terminal {Size.Columns}x{Size.Rows}",
        _ => $"descriptor {Handle!.DangerousGetHandle()}",
    };
}

internal enum StdioKind
{
    Inherit,
    Null,
    Pipe,
    AsOutput,
    File,
    Descriptor,
    Pty,
}
