using UnixLoop.Interop;
using UnixLoop.Transports.UnixSockets;

namespace UnixLoop.Transports;

/// <summary>How a <see cref="UnixStreamListener"/> is bound, and whom it accepts. Read when the listener is made.</summary>
public sealed class UnixStreamListenerOptions
{
    /// <summary>How many connections the kernel keeps for <see cref="UnixStreamListener.AcceptAsync"/> (listen(2)); a client that finds it full waits, or gets EAGAIN.</summary>
    /// <value>Default 100, as asyncio has it; at least 1. The kernel takes at most /proc/sys/net/core/somaxconn.</value>
    public int Backlog { get; set; } = 100;

    /// <summary>
    /// Whether it listens at once (asyncio: <c>start_serving</c>). If not, the socket is bound and refuses connections until
    /// <see cref="UnixStreamListener.StartServing"/>; no other server can take the path meanwhile.
    /// </summary>
    /// <value>Default true.</value>
    public bool StartServing { get; set; } = true;

    /// <summary>
    /// The permissions of the socket's file, exactly, whatever the umask. To connect needs the right to write. At no moment can
    /// anybody connect whom it does not let.
    /// </summary>
    /// <value>Default null: 0777 less the umask, as bind(2) makes it.</value>
    public UnixFileMode? Mode { get; set; }

    /// <summary>The user, by name or number, that the socket's file is given to; needs CAP_CHOWN for any other than ours.</summary>
    /// <value>Default null: ours.</value>
    public string? Owner { get; set; }

    /// <summary>The group, by name or number, that the socket's file is given to; one of ours, or any with CAP_CHOWN.</summary>
    /// <value>Default null: ours.</value>
    public string? Group { get; set; }

    /// <summary>
    /// Makes the directory of the path if it is missing, with exactly these permissions and with <see cref="Owner"/> and
    /// <see cref="Group"/>: that directory alone, not those above it. One that is there is left as it is; none is removed.
    /// </summary>
    /// <value>Default null: a missing directory is an error.</value>
    public UnixFileMode? DirectoryMode { get; set; }

    /// <summary>
    /// Whether a socket's file behind which nobody listens, left by a server that was killed, is replaced. It must be our user's or
    /// root's. A server that lives is never robbed, and what is no socket is left alone: both are EADDRINUSE.
    /// </summary>
    /// <value>Default true.</value>
    public bool ReplaceStaleSocket { get; set; } = true;

    /// <summary>
    /// An existing directory for lock files, which keep binders of one path apart (flock(2)) and stay when the socket is gone. All
    /// who bind a path must agree on it.
    /// </summary>
    /// <value>Default null: "path.lock" beside the socket.</value>
    public string? LockDirectory { get; set; }

    /// <summary>How many connections may be open at a time; at it, further ones wait in the <see cref="Backlog"/>.</summary>
    /// <value>Default null: as many as there are descriptors. At least 1.</value>
    public int? ConnectionLimit { get; set; }

    /// <summary>
    /// Users, by name or number, whose processes may connect. Others are closed before a byte of theirs is read. It is the peer's
    /// effective user at its connect(2) that counts, root's too.
    /// </summary>
    /// <value>Default null: whoever the file's permissions let; for an abstract name, which has none, our own user alone.</value>
    public IReadOnlyCollection<string>? AllowedUsers { get; set; }

    /// <summary>Groups, by name or number, whose processes may connect beside <see cref="AllowedUsers"/>, be it their effective or a supplementary group.</summary>
    /// <value>Default null: none beside those.</value>
    public IReadOnlyCollection<string>? AllowedGroups { get; set; }

    /// <summary>Opens an abstract name, which any process of the network namespace can connect to, other containers' included, to every user.</summary>
    /// <value>Default false. True contradicts <see cref="AllowedUsers"/> and <see cref="AllowedGroups"/>.</value>
    public bool AllowAnyUser { get; set; }

    /// <summary>How the accepted connections are made.</summary>
    /// <value>Default null: the defaults.</value>
    public UnixStreamConnectionOptions? Connection { get; set; }

    /// <summary>The loops that accepted connections are spread over, in turn; the listener itself stays on its own.</summary>
    /// <value>Default null: the listener's own loop alone. Not empty.</value>
    public IReadOnlyList<IUnixEventLoop>? ConnectionLoops { get; set; }

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Backlog, 1, nameof(Backlog));
        if (ConnectionLimit is int limit)
            ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1, nameof(ConnectionLimit));
        if (ConnectionLoops is { Count: 0 })
            throw new ArgumentException($"{nameof(ConnectionLoops)} is empty: null is the listener's own loop.");
        Connection?.Validate();
        if (PosixText.FaultOf(LockDirectory) is { } fault)
            throw new ArgumentException($"{nameof(LockDirectory)} {fault}.");
        CheckMode(Mode, nameof(Mode));
        CheckMode(DirectoryMode, nameof(DirectoryMode));
        if (AllowAnyUser && (AllowedUsers ?? AllowedGroups) is not null)
            throw new ArgumentException($"{nameof(AllowAnyUser)} and {nameof(AllowedUsers)} or {nameof(AllowedGroups)} contradict each other.");
    }

    internal BindingOptions Binding() => new(
        (uint?)Mode, AccountNumbers.User(Owner, nameof(Owner)), AccountNumbers.Group(Group, nameof(Group)),
        (uint?)DirectoryMode, LockDirectory, ReplaceStaleSocket);

    private static void CheckMode(UnixFileMode? mode, string option)
    {
        if (mode is { } bits && (bits & ~(UnixFileMode)0b111_111_111) != 0)
            throw new ArgumentOutOfRangeException(option, bits, $"{option} has bits beyond 0777.");
    }
}
