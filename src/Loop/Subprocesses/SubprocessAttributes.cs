using UnixLoop.Interop;
using UnixLoop.Subprocesses;

namespace UnixLoop;

/// <summary>Who a child is and what it may use. What is left out is as in our own process.</summary>
/// <remarks>
/// They need the library's native helper, which sets them between the child's birth and its exec; a start that asks for one
/// that can't be had here throws a <see cref="PlatformNotSupportedException"/> that names it and the reason. Read during the
/// start alone; may be used for any number of starts.
/// </remarks>
public sealed class SubprocessAttributes
{
    /// <summary>Name or number of the user that the child becomes (setresuid(2): real, effective and saved).</summary>
    /// <value>Default null: ours. Digits alone are a number.</value>
    public string? User { get; set; }

    /// <summary>Name or number of the child's group (setresgid(2)).</summary>
    /// <value>Default null: the user's, where <see cref="User"/> is set (one that the system does not know needs a group); else ours.</value>
    public string? Group { get; set; }

    /// <summary>Names or numbers of the child's supplementary groups (setgroups(2)); an empty list for none.</summary>
    /// <value>Default null: those of the user, where <see cref="User"/> is set (none, if the system does not know it); else ours.</value>
    public IList<string>? Groups { get; set; }

    /// <summary>The permissions that new files of the child don't get (umask(2)).</summary>
    /// <value>Default null: ours.</value>
    public UnixFileMode? Umask { get; set; }

    /// <summary>Resource limits (setrlimit(2)). The runtime has raised our own soft limit of descriptors to the hard one.</summary>
    /// <value>Default empty: ours.</value>
    public IDictionary<ResourceLimit, ResourceLimitValue> Limits { get; } = new Dictionary<ResourceLimit, ResourceLimitValue>();

    /// <summary>
    /// The signal that the child gets when our process ends, however that happens (PR_SET_PDEATHSIG). It does not outlive an exec
    /// of a set-user-ID program or a change of credentials by the child, and grandchildren don't inherit it.
    /// </summary>
    /// <remarks>Such a child is started on one thread that never ends: the kernel counts the end of the starting thread.</remarks>
    /// <value>Default null: none.</value>
    public UnixSignal? ParentDeathSignal { get; set; }

    /// <summary>Whether no exec can give the child or its descendants more privileges (PR_SET_NO_NEW_PRIVS): set-user-ID programs run as anybody's.</summary>
    /// <value>Default false: as we have it.</value>
    public bool NoNewPrivileges { get; set; }

    /// <summary>
    /// Path of a directory in a cgroup2 file system, where the child is born (CLONE_INTO_CGROUP, Linux 5.7). Making and removing it
    /// is the caller's part. Where no other process was in it, the last step of a stop kills it as a whole (cgroup.kill, Linux 5.14).
    /// </summary>
    /// <value>Default null: ours.</value>
    public string? Cgroup { get; set; }

    /// <summary>Whether what is set here can be had in this process.</summary>
    /// <returns>Null if it can; else the option and the reason, as the exception of a start would say it.</returns>
    public string? WhyUnavailable() => AttributeSupport.WhyUnavailable(this, SpawnFeatures.OfThisLibc);
}
