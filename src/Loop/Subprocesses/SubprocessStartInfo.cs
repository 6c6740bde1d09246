using System.Runtime.InteropServices;

namespace UnixLoop;

/// <summary>What to start, and with which surroundings. Arguments are passed as they are: no shell, no splitting, no quoting.</summary>
/// <remarks>May be used for any number of starts; it is read during the start alone.</remarks>
public sealed class SubprocessStartInfo
{
    /// <summary>POSIX's shell; also what runs scripts that name no interpreter.</summary>
    internal const string ShellFile = "/bin/sh";

    /// <summary>Names the program and its arguments.</summary>
    /// <param name="fileName">A path with a slash, or a name to look up in the child's PATH (execvp(3)).</param>
    /// <param name="arguments">The arguments after argv[0].</param>
    public SubprocessStartInfo(string fileName, params IEnumerable<string> arguments)
    {
        ArgumentException.ThrowIfNullOrEmpty(fileName);
        ArgumentNullException.ThrowIfNull(arguments);
        FileName = fileName;
        Arguments = [.. arguments];
    }

    /// <summary>
    /// A command line for /bin/sh, the only place where one is read: <c>sh -c</c> with the text as one argument. What is not part
    /// of the program text belongs into <paramref name="arguments"/>, which the shell does not read: <c>Shell("rm -- \"$1\"", path)</c>.
    /// </summary>
    /// <param name="command">The text (sh(1p)).</param>
    /// <param name="arguments">What the text sees as $1, $2…, as they are.</param>
    public static SubprocessStartInfo Shell(string command, params IEnumerable<string> arguments)
    {
        ArgumentNullException.ThrowIfNull(command);
        ArgumentNullException.ThrowIfNull(arguments);
        // Options may stand between -c and the text (sh(1p)).
        string[] text = command is ['-' or '+', ..] ? ["--", command] : [command];
        return new(ShellFile, ["-c", .. text, "sh", .. arguments]);
    }

    /// <summary>A path with a slash (relative ones count from <see cref="WorkingDirectory"/>), or a name to look up in the child's PATH.</summary>
    public string FileName { get; }

    /// <summary>The arguments after argv[0].</summary>
    public IList<string> Arguments { get; }

    /// <summary>What the program sees as argv[0].</summary>
    /// <value>Default null: <see cref="FileName"/>.</value>
    public string? Argv0 { get; set; }

    /// <summary>The child's working directory.</summary>
    /// <value>Default null: ours.</value>
    public string? WorkingDirectory { get; set; }

    /// <summary>Variables to set (a value) or to remove (null), on top of ours, or of nothing where <see cref="ClearEnvironment"/> is set.</summary>
    public IDictionary<string, string?> Environment { get; } = new Dictionary<string, string?>(StringComparer.Ordinal);

    /// <summary>
    /// Whether the child starts without our variables. NOTIFY_SOCKET, WATCHDOG_* and LISTEN_* are never inherited: who wants to
    /// hand them on sets them in <see cref="Environment"/>.
    /// </summary>
    /// <value>Default false.</value>
    public bool ClearEnvironment { get; set; }

    /// <summary>The child's descriptor 0.</summary>
    /// <value>Default null: <see cref="Stdio.Inherit"/> for <see cref="ISubprocessFactory.StartAsync"/>, /dev/null or the given input for <c>RunAsync</c> and <c>ReadLinesAsync</c>.</value>
    public Stdio? Input { get; set; }

    /// <summary>The child's descriptor 1.</summary>
    /// <value>Default null: <see cref="Stdio.Inherit"/> for <see cref="ISubprocessFactory.StartAsync"/>, captured by <c>RunAsync</c> and <c>ReadLinesAsync</c>.</value>
    public Stdio? Output { get; set; }

    /// <summary>The child's descriptor 2.</summary>
    /// <value>Default null: <see cref="Stdio.Inherit"/> for <see cref="ISubprocessFactory.StartAsync"/>, captured by <c>RunAsync</c> and <c>ReadLinesAsync</c>.</value>
    public Stdio? Error { get; set; }

    /// <summary>Further descriptors: the number that the child sees (3 or more) and our descriptor, borrowed for the start alone.</summary>
    public IDictionary<int, SafeHandle> Descriptors { get; } = new Dictionary<int, SafeHandle>();

    /// <summary>The child's process group or session (setpgid(2), setsid(2)).</summary>
    /// <value>Default <see cref="ProcessGroup.Default"/>.</value>
    public ProcessGroup ProcessGroup { get; set; }

    /// <summary>Resets also those signals that were ignored when our own process began; without it nohup(1) goes on working for children.</summary>
    /// <value>Default false.</value>
    public bool ResetIgnoredSignals { get; set; }

    /// <summary>Bytes that a pipe to the child holds (pipe(7), F_SETPIPE_SZ).</summary>
    /// <value>Default null: 64 KiB, grown once to 256 KiB when it is seen full twice, within a process-wide budget. 4,096 or more.</value>
    public int? PipeCapacity { get; set; }

    /// <summary>What a stop of the child begins with (<see cref="ISubprocess.StopAsync"/> and all that stops by the same ladder).</summary>
    /// <value>Default <see cref="UnixSignal.Term"/>.</value>
    public UnixSignal StopSignal { get; set; } = UnixSignal.Term;

    /// <summary>User, groups, limits and the like.</summary>
    /// <value>Default null: as ours.</value>
    public SubprocessAttributes? Attributes { get; set; }

    /// <summary>The same but for the group; shares what can be edited.</summary>
    internal SubprocessStartInfo WithGroup(ProcessGroup group)
    {
        var copy = (SubprocessStartInfo)MemberwiseClone();
        copy.ProcessGroup = group;
        return copy;
    }

    /// <summary>The program and its arguments for a log line or an error message; not for a shell.</summary>
    public override string ToString() => string.Join(' ', [FileName, .. Arguments]);
}

/// <summary>Which process group a child belongs to.</summary>
public enum ProcessGroup
{
    /// <summary><see cref="New"/>, except where the child inherits a terminal as its standard input: then <see cref="Inherit"/>, or it would be stopped at its first read.</summary>
    Default,

    /// <summary>A new group whose id is the child's pid: it can be signalled as a whole, and a terminal's Ctrl-C does not reach it.</summary>
    New,

    /// <summary>
    /// A new group that has the terminal, as a shell's job in the foreground: Ctrl-C and the like reach the child, and it alone.
    /// The foreground is given before the exec and taken back at the child's end or stop (tcsetpgrp(3)). When the child is stopped
    /// (Ctrl-Z), our own group stops with it; continued, it goes on. From the background it has the foreground only once a shell
    /// brings us there. Where the child inherits no terminal as its standard input, the same as <see cref="New"/>.
    /// </summary>
    Foreground,

    /// <summary>Our own group: signals go to the child alone.</summary>
    Inherit,

    /// <summary>A new session without a terminal (setsid(2)), and with it a new group.</summary>
    NewSession,
}
