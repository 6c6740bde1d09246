namespace UnixLoop.Hosting;

/// <summary>
/// How a Unix socket of Kestrel's is bound, and whom it accepts: the endpoint itself is declared in Kestrel (<c>ListenUnixSocket</c>, <c>Urls</c>), and this
/// belongs to the one with the same address.
/// </summary>
public sealed class UnixListenerOptions
{
    /// <summary>The endpoint's absolute path. Either this or <see cref="Abstract"/>.</summary>
    public string? Path { get; set; }

    /// <summary>The endpoint's abstract name, without the zero byte before it.</summary>
    public string? Abstract { get; set; }

    /// <summary>The permissions of the socket's file, in octal ("0660"), exactly; to connect needs the right to write.</summary>
    /// <value>Default null: 0777 less the umask.</value>
    public string? Mode { get; set; }

    /// <summary>The user, by name or number, that the socket's file is given to; needs CAP_CHOWN for another.</summary>
    /// <value>Default null: ours.</value>
    public string? Owner { get; set; }

    /// <summary>The group, by name or number, that the socket's file is given to.</summary>
    /// <value>Default null: ours.</value>
    public string? Group { get; set; }

    /// <summary>Makes a missing parent directory with these permissions, in octal, and <see cref="Owner"/> and <see cref="Group"/>.</summary>
    /// <value>Default null: a missing directory is an error.</value>
    public string? DirectoryMode { get; set; }

    /// <summary>Whether a socket's file that a killed server has left is replaced; a living server never is.</summary>
    /// <value>Default true.</value>
    public bool ReplaceStaleSocket { get; set; } = true;

    /// <summary>An existing directory for the lock file that keeps two servers apart.</summary>
    /// <value>Default null: "path.lock" beside the socket.</value>
    public string? LockDirectory { get; set; }

    /// <summary>How many clients may wait to be accepted (listen(2)).</summary>
    /// <value>Default 512; at least 1. The kernel takes at most /proc/sys/net/core/somaxconn.</value>
    public int Backlog { get; set; } = 512;

    /// <summary>How many connections may be open at a time; further clients wait in the <see cref="Backlog"/>.</summary>
    /// <value>Default null: as many as there are descriptors. At least 1.</value>
    public int? ConnectionLimit { get; set; }

    /// <summary>Users, by name or number, whose processes may connect; others are closed before a byte of theirs is read, logged and counted.</summary>
    /// <value>Empty by default: whoever the file's permissions let; for an abstract name our own user alone.</value>
    public IList<string> AllowedUsers { get; } = [];

    /// <summary>Groups, by name or number, whose processes may connect beside <see cref="AllowedUsers"/>.</summary>
    /// <value>Empty by default.</value>
    public IList<string> AllowedGroups { get; } = [];

    /// <summary>Opens an abstract name to every user of the network namespace.</summary>
    /// <value>Default false.</value>
    public bool AllowAnyUser { get; set; }

    /// <summary>With <c>UseSystemdSocketActivation</c>: the activated socket of this name (FileDescriptorName=) is served in the place of a bind.</summary>
    /// <value>Default null: the listener's own name.</value>
    public string? FdName { get; set; }
}
