namespace UnixLoop.Hosting;

/// <summary>Who the process is and what it may use (<see cref="SubprocessAttributes"/>).</summary>
public sealed partial class SupervisedProcessOptions
{
    /// <summary>Name or number of the user that it runs as.</summary>
    /// <value>Default null: ours.</value>
    public string? User { get; set; }

    /// <summary>Name or number of its group.</summary>
    /// <value>Default null: the user's, else ours.</value>
    public string? Group { get; set; }

    /// <summary>Names or numbers of its supplementary groups.</summary>
    /// <value>Default empty: the user's, else ours.</value>
    public IList<string> Groups { get; } = [];

    /// <summary>The permissions that its new files don't get, in octal, as "027".</summary>
    /// <value>Default null: ours.</value>
    public string? Umask { get; set; }

    /// <summary>Resource limits by the names of <see cref="ResourceLimit"/>, as "NoFile": "1024", "1024:4096" (soft and hard) or "unlimited".</summary>
    public IDictionary<string, string> Limits { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>The signal that it gets when our process ends, however that happens, as "KILL".</summary>
    /// <value>Default null: none.</value>
    public string? ParentDeathSignal { get; set; }

    /// <summary>Whether it and its descendants can gain no privileges by an exec.</summary>
    /// <value>Default false.</value>
    public bool NoNewPrivileges { get; set; }

    /// <summary>Path of the directory of a cgroup2 file system where it is born.</summary>
    /// <value>Default null: ours.</value>
    public string? Cgroup { get; set; }
}
