using Microsoft.Extensions.Logging;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

/// <summary>A start by the native helper, in place of <see cref="SpawnActions"/> and <see cref="SpawnAttributes"/>.</summary>
internal static unsafe class HelperCall
{
    private static int s_refusalLogged;
    private static volatile bool s_mayStartPlainChildren = !AppContext.TryGetSwitch("UnixLoop.SpawnByHelper", out bool wanted) || wanted;

    /// <summary>
    /// A start without attributes: the helper saves it half a dozen system calls (docs/performance.md), and its pidfd is there
    /// from the birth on. Null where that is switched off (AppContext, "UnixLoop.SpawnByHelper"), or where a sandbox refuses
    /// what the helper is made of: then posix_spawn(3), which knows what else to do, takes all further starts.
    /// </summary>
    internal static BornChild? TryLaunch(
        SubprocessStartInfo info, scoped in SpawnStrings strings, ChildDescriptors descriptors, ProcessGroup group, SpawnFeatures features, ILogger? logger) =>
        s_mayStartPlainChildren && features.HelperMissing is null ? Launch(info, in strings, descriptors, group, attributes: null, logger) : null;

    /// <summary>Starts a child; null, without attributes alone, where posix_spawn(3) has to.</summary>
    internal static BornChild? Launch(
        SubprocessStartInfo info, scoped in SpawnStrings strings, ChildDescriptors descriptors, ProcessGroup group, ChildAttributes? attributes, ILogger? logger)
    {
        Span<SpawnRange> closing = stackalloc SpawnRange[descriptors.Moves.Length + 1];
        closing = closing[..Closing(descriptors, closing)];
        SpawnLimit[] limits = attributes is null ? [] : [.. attributes.Wanted.Limits.Select(pair => new SpawnLimit(pair.Value.Soft, pair.Value.Hard, (ulong)pair.Key))];
        uint[] groups = attributes?.Credentials.Groups ?? [];

        fixed (DescriptorMove* m = descriptors.Moves)
        fixed (SpawnRange* c = closing)
        fixed (SpawnLimit* l = limits)
        fixed (uint* g = groups)
        {
            SpawnRequest request = new()
            {
                Argv = strings.Argv,
                Envp = strings.Envp,
                Directory = strings.WorkingDirectory,
                Moves = m,
                MoveCount = (uint)descriptors.Moves.Length,
                Closing = c,
                ClosingCount = (uint)closing.Length,
                Limits = l,
                LimitCount = (uint)limits.Length,
                Groups = g,
                GroupCount = (uint)groups.Length,
                DefaultSignals = SpawnAttributes.DefaultSignals(info.ResetIgnoredSignals),
                Flags = GroupFlags(group),
                Terminal = -1,
                Cgroup = -1,
            };
            if (descriptors.TerminalTarget is int terminal)
                (request.Flags, request.Terminal) = (request.Flags | SpawnFlags.ControllingTerminal, terminal);
            if (attributes is not null)
                Set(ref request, attributes);

            SpawnCall call = new(&request);
            PosixResult pid = ProgramSearch.Start(ref call, info, in strings, out string? program);
            if (group == ProcessGroup.Foreground && pid.IsError)
                TerminalForeground.TakeBack(group: 0); // a child whose exec failed has taken the terminal with it
            if (pid.IsError && attributes is null && LacksPidfd(request.Step, pid.Errno))
                return null;
            if (pid.IsError && attributes is null && IsRefused(request.Step, pid.Errno))
            {
                s_mayStartPlainChildren = false;
                if (logger is not null && Interlocked.Exchange(ref s_refusalLogged, 1) == 0)
                    SpawnLog.HelperRefused(logger, request.Step, pid);
                return null;
            }
            if (pid.IsError)
                throw AttributeErrors.Step(info, in request, pid.Errno, descriptors) ?? StartDiagnosis.Explain(info, pid.Errno, program, strings.SearchPath ?? ProgramSearch.DefaultPath, descriptors);
            return new BornChild(pid.IntValue, request.Pidfd, request.LeadsGroup != 0);
        }
    }

    /// <summary>What an old kernel, an emulated one, or a seccomp filter says of clone3(2), CLONE_PIDFD and close_range(2).</summary>
    private static bool IsRefused(SpawnStep step, int errno) =>
        step is SpawnStep.Clone or SpawnStep.Close && (errno == ENOSYS || errno == EPERM || errno == EACCES || errno == EINVAL);

    /// <summary>No descriptor is left for the pidfd: posix_spawn(3) does without, and the child is watched by a thread.</summary>
    private static bool LacksPidfd(SpawnStep step, int errno) => step == SpawnStep.Clone && (errno == EMFILE || errno == ENFILE);

    private static SpawnFlags GroupFlags(ProcessGroup group) => group switch
    {
        ProcessGroup.New => SpawnFlags.NewGroup,
        ProcessGroup.Foreground => SpawnFlags.NewGroup | SpawnFlags.Foreground,
        ProcessGroup.NewSession => SpawnFlags.NewSession,
        ProcessGroup.Default => SpawnFlags.NewGroupUnlessTerminal,
        _ => 0,
    };

    private static void Set(ref SpawnRequest request, ChildAttributes attributes)
    {
        SubprocessAttributes wanted = attributes.Wanted;
        if (wanted.Umask is UnixFileMode umask)
            (request.Flags, request.Umask) = (request.Flags | SpawnFlags.SetUmask, (uint)umask);
        if (attributes.Credentials.Groups is not null)
            request.Flags |= SpawnFlags.SetGroups;
        if (attributes.Credentials.Group is uint group)
            (request.Flags, request.Group) = (request.Flags | SpawnFlags.SetGroup, group);
        if (attributes.Credentials.User is uint user)
            (request.Flags, request.User) = (request.Flags | SpawnFlags.SetUser, user);
        if (wanted.NoNewPrivileges)
            request.Flags |= SpawnFlags.NoNewPrivileges;
        if (attributes.Cgroup is ChildCgroup cgroup)
            (request.Flags, request.Cgroup) = (request.Flags | SpawnFlags.IntoCgroup, cgroup.Descriptor);
        request.DeathSignal = wanted.ParentDeathSignal?.Number ?? 0;
    }

    /// <summary>All that the child does not get: the gaps between wanted numbers, and what is above them.</summary>
    private static int Closing(ChildDescriptors descriptors, Span<SpawnRange> closing)
    {
        Span<int> targets = stackalloc int[descriptors.Moves.Length];
        int count = 0;
        foreach (DescriptorMove move in descriptors.Moves)
        {
            if (move.Target >= StartInfoRules.LowestExtraDescriptor)
                targets[count++] = move.Target;
        }
        targets[..count].Sort();

        int ranges = 0;
        uint next = StartInfoRules.LowestExtraDescriptor;
        foreach (int target in targets[..count])
        {
            if (next < target)
                closing[ranges++] = new SpawnRange(next, (uint)target - 1);
            next = (uint)target + 1;
        }
        closing[ranges++] = new SpawnRange(next, uint.MaxValue);
        return ranges;
    }
}
