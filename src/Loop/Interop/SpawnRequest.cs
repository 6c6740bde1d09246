
namespace UnixLoop.Interop;

/// <summary>"struct request" of native/spawn.c, field by field; the helper refuses another size.</summary>
internal unsafe struct SpawnRequest
{
    internal uint Size, Version;
    internal byte* Path;
    internal byte** Argv;
    internal byte** Envp;

    /// <summary>Null: ours.</summary>
    internal byte* Directory;

    internal DescriptorMove* Moves;
    internal SpawnRange* Closing;
    internal SpawnLimit* Limits;
    internal uint* Groups;
    internal ulong DefaultSignals;
    internal uint MoveCount, ClosingCount, LimitCount, GroupCount;
    internal SpawnFlags Flags;
    internal uint Umask, User, Group;
    internal int DeathSignal;
    internal int Cgroup;
    internal int Terminal;

    /// <summary>Out: close-on-exec, the caller's; -1 without a child.</summary>
    internal int Pidfd;

    /// <summary>Out: where it failed.</summary>
    internal SpawnStep Step;

    /// <summary>Out: which descriptor, limit or signal the step was about.</summary>
    internal int Detail;

    /// <summary>Out: whether the child has a group, or a session, of its own.</summary>
    internal int LeadsGroup;
}

/// <summary>Descriptors that the child closes, both ends included.</summary>
internal record struct SpawnRange(uint First, uint Last);

/// <summary>A resource limit.</summary>
internal record struct SpawnLimit(ulong Soft, ulong Hard, ulong Resource);

[Flags]
internal enum SpawnFlags : uint
{
    NewSession = 1 << 0,
    NewGroup = 1 << 1,
    Foreground = 1 << 2,
    ControllingTerminal = 1 << 3,
    SetUmask = 1 << 4,
    SetGroups = 1 << 5,
    SetGroup = 1 << 6,
    SetUser = 1 << 7,
    IntoCgroup = 1 << 8,
    NoNewPrivileges = 1 << 9,
    NewGroupUnlessTerminal = 1 << 10,
    CopiesTable = 1 << 11,
}

/// <summary>In the order in which they are taken (linux.md, rule 12).</summary>
internal enum SpawnStep
{
    None,
    Version,
    Memory,
    Clone,
    Cgroup,
    Signals,
    Session,
    ProcessGroup,
    Descriptor,
    Terminal,
    Close,
    Limit,
    Directory,
    SetGroups,
    SetGroup,
    SetUser,
    DeathSignal,
    ParentGone,
    NoNewPrivileges,
    Mask,
    Exec,
}
