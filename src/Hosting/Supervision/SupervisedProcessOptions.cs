namespace UnixLoop.Hosting;

/// <summary>A program that is kept running (docs/supervision.md). Every mistake is listed when the host starts, and at each reload.</summary>
public sealed partial class SupervisedProcessOptions
{
    /// <summary>The program: a path with a slash, or a name to look up in PATH. No shell is involved.</summary>
    /// <value>Must be set.</value>
    public string FileName { get; set; } = "";

    /// <summary>Its arguments, each as it is. They are never logged.</summary>
    public IList<string> Arguments { get; } = [];

    /// <summary>Its working directory.</summary>
    /// <value>Default null: ours.</value>
    public string? WorkingDirectory { get; set; }

    /// <summary>Variables to set, or to remove where the value is null, on top of ours.</summary>
    public IDictionary<string, string?> Environment { get; } = new Dictionary<string, string?>(StringComparer.Ordinal);

    /// <summary>Whether it starts without our variables.</summary>
    /// <value>Default false.</value>
    public bool ClearEnvironment { get; set; }

    /// <summary>Whether it is started with the host, and by a reload that brings it; else only by <see cref="ISupervisor.StartAsync"/>.</summary>
    /// <value>Default true.</value>
    public bool AutoStart { get; set; } = true;

    /// <summary>Whether it is started again when it has ended by itself.</summary>
    /// <value>Default <see cref="RestartPolicy.Always"/>.</value>
    public RestartPolicy Restart { get; set; } = RestartPolicy.Always;

    /// <summary>
    /// The first restart follows after a random part of this (full jitter); with each further one the span doubles, up to
    /// <see cref="MaxRestartDelay"/>.
    /// </summary>
    /// <value>Default 1 s; 0 (at once) to 1 hour.</value>
    public TimeSpan RestartDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest that a restart is put off.</summary>
    /// <value>Default 1 minute; <see cref="RestartDelay"/> to 1 day.</value>
    public TimeSpan MaxRestartDelay { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>A run of at least this length lets the delay begin anew.</summary>
    /// <value>Default 1 minute; up to 1 day.</value>
    public TimeSpan StableAfter { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How many starts <see cref="StartWindow"/> may see. The restart that would be one too many is given up: the process has failed.</summary>
    /// <value>Default 10; 0 for no limit, at most 10,000.</value>
    public int MaxStarts { get; set; } = 10;

    /// <summary>The span over which <see cref="MaxStarts"/> counts.</summary>
    /// <value>Default 5 minutes; above 0, up to 1 day.</value>
    public TimeSpan StartWindow { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Whether the application stops, with exit code 1, when this process has failed.</summary>
    /// <value>Default false.</value>
    public bool StopHostOnFailure { get; set; }

    /// <summary>A regular expression: it is ready when a line of its output or error output matches. Excludes <see cref="ReadySocket"/>.</summary>
    /// <value>Default null.</value>
    public string? ReadyPattern { get; set; }

    /// <summary>Path of a Unix stream socket, or an abstract name after an @: it is ready when that accepts a connection.</summary>
    /// <value>Default null; 1 to 107 bytes (unix(7)).</value>
    public string? ReadySocket { get; set; }

    /// <summary>How long it may take to be ready; after that it is stopped, and has failed once.</summary>
    /// <value>Default 30 s; above 0, up to 1 day.</value>
    public TimeSpan ReadyTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>What a stop begins with: a name or a number, as "INT".</summary>
    /// <value>Default TERM.</value>
    public string StopSignal { get; set; } = "TERM";

    /// <summary>How long it may take to end before it is killed. With 1 s for the reap it must fit into <c>HostOptions.ShutdownTimeout</c>.</summary>
    /// <value>Default null: <see cref="UnixEventLoopOptions.ChildStopGrace"/>; 0 (kill at once) to 1 hour.</value>
    public TimeSpan? StopGrace { get; set; }

    /// <summary>Whether lines of its error output are logged as warnings; else as information, like those of its output.</summary>
    /// <value>Default false: many programs write all their messages there.</value>
    public bool StandardErrorAsWarning { get; set; }
}
