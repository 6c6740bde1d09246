using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

/// <summary>What went wrong with an attribute: which one, in which step, and what may be done about it.</summary>
internal static class AttributeErrors
{
    internal static SubprocessStartException Create(SubprocessStartInfo info, string property, int errno, string detail) =>
        StartErrors.Create(info, SubprocessStartError.Attribute, errno, $"{nameof(SubprocessAttributes)}.{property}: {detail}");

    /// <summary>A step of the native helper failed; null for the exec, for a program that was not found, and where there is no room for a process.</summary>
    /// <exception cref="PlatformNotSupportedException">The helper can't be used here after all.</exception>
    internal static SubprocessStartException? Step(SubprocessStartInfo info, in SpawnRequest request, int errno, ChildDescriptors descriptors)
    {
        SubprocessAttributes attributes = info.Attributes ?? new SubprocessAttributes();
        string message = PosixError.Message(errno);
        switch (request.Step)
        {
            case SpawnStep.Clone when request.Flags.HasFlag(SpawnFlags.IntoCgroup) && Delegation(errno) is string rule:
                return Create(info, nameof(attributes.Cgroup), errno, $"clone3 into '{attributes.Cgroup}': {rule}");
            case SpawnStep.Cgroup:
                return Create(info, nameof(attributes.Cgroup), errno, $"cgroup.procs of '{attributes.Cgroup}': {Delegation(errno) ?? message}");
            case SpawnStep.Clone when errno == ENOSYS || errno == EPERM:
                throw new PlatformNotSupportedException($"The native helper can't start a child here: clone3 says {PosixError.Name(errno)}, which is a seccomp filter's answer.");
            case SpawnStep.Clone when errno == EMFILE || errno == ENFILE:
                return StartErrors.NoDescriptors(info, errno, "the child's pidfd");
            case SpawnStep.Clone when errno == EAGAIN || errno == ENOMEM:
                return null;
            case SpawnStep.Descriptor:
                return StartErrors.Preparation(info, descriptors, SpawnFeatures.OfThisLibc, errno);
            case SpawnStep.Directory:
                return StartDiagnosis.Directory(info, errno);
            case SpawnStep.Limit:
                ResourceLimit resource = (ResourceLimit)request.Detail;
                string limit = attributes.Limits.TryGetValue(resource, out ResourceLimitValue value) ? $"{value}" : "";
                return Create(info, $"{nameof(attributes.Limits)}[{resource}]", errno, $"setrlimit to {limit}: {message}{(errno == EPERM ? "; raising a hard limit takes CAP_SYS_RESOURCE" : "")}");
            case SpawnStep.SetGroups:
                return Create(info, attributes.Groups is null ? nameof(attributes.User) : nameof(attributes.Groups), errno, $"setgroups: {message}{Capability(errno, "CAP_SETGID")}");
            case SpawnStep.SetGroup:
                return Create(info, attributes.Group is null ? nameof(attributes.User) : nameof(attributes.Group), errno, $"setresgid to {request.Group}: {message}{Capability(errno, "CAP_SETGID")}");
            case SpawnStep.SetUser:
                return Create(info, nameof(attributes.User), errno, $"setresuid to {request.User}: {message}{Capability(errno, "CAP_SETUID")}");
            case SpawnStep.DeathSignal:
                return Create(info, nameof(attributes.ParentDeathSignal), errno, $"prctl PR_SET_PDEATHSIG: {message}");
            case SpawnStep.NoNewPrivileges:
                return Create(info, nameof(attributes.NoNewPrivileges), errno, $"prctl PR_SET_NO_NEW_PRIVS: {message}");
            case SpawnStep.Terminal:
                return StartErrors.Create(info, SubprocessStartError.Other, errno, $"the child can't have its terminal: {message}");
            case SpawnStep.Exec or SpawnStep.None: // None: the search found no path to try
                return null;
            default:
                return StartErrors.Create(info, SubprocessStartError.Other, errno, $"the native helper's step {request.Step}: {message}");
        }
    }

    // cgroups(7), clone(2): CLONE_INTO_CGROUP; the kernel's cgroup-v2.rst, "Delegation" and "No Internal Process Constraint".
    private static string? Delegation(int errno) =>
        errno == EACCES ? "we may not move processes there: the cgroup has to be delegated to our user, up to the one that has us both (systemd: Delegate=yes)"
        : errno == EBUSY ? "it has controllers enabled for its children, so processes may be in those alone (cgroup.subtree_control): make a cgroup below it"
        : errno == EOPNOTSUPP ? "it is in the state 'domain invalid', or threaded (cgroup.type)"
        : errno == EROFS ? "the file system is mounted read-only here, so no cgroup is delegated to us"
        : errno == EBADF ? "it is no directory of a cgroup2 file system"
        : errno == ENODEV ? "it has been removed"
        : errno == EAGAIN ? "its pids.max is reached, or the user's RLIMIT_NPROC"
        : null;

    private static string Capability(int errno, string capability) => errno == EPERM ? $"; it takes {capability}" : "";
}
