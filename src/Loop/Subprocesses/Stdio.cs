using System.Runtime.InteropServices;

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

    internal StdioKind Kind { get; }

    internal SafeHandle? Handle { get; }

    internal string? Path { get; }

    internal bool Append { get; }

    /// <summary>"inherit", "null", "pipe", "as output", "file 'x'", "descriptor 5".</summary>
    public override string ToString() => Kind switch
    {
        StdioKind.Inherit => "inherit",
        StdioKind.Null => "null",
        StdioKind.Pipe => "pipe",
        StdioKind.AsOutput => "as output",
        StdioKind.File => Append ? $"file '{Path}' (append)" : $"file '{Path}'",
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
}
