using UnixLoop.Interop;

namespace UnixLoop.Subprocesses;

/// <summary>A start by the native helper, in place of <see cref="SpawnActions"/> and <see cref="SpawnAttributes"/>.</summary>
internal static unsafe class HelperCall
{
    /// <summary>For plain starts: whether the helper, where it is there, takes the place of posix_spawn(3).</summary>
    /// <value>The AppContext switch "UnixLoop.SpawnByHelper"; default false.</value>
    internal static bool IsUsedForPlainStarts { get; set; } = AppContext.TryGetSwitch("UnixLoop.SpawnByHelper", out bool enabled) && enabled;

    internal static int Launch(
        SubprocessStartInfo info, scoped in SpawnStrings strings, ChildDescriptors descriptors, ProcessGroup group, ChildAttributes? attributes, out int pidfd)
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
            if (pid.IsError)
                throw AttributeErrors.Step(info, in request, pid.Errno, descriptors) ?? StartDiagnosis.Explain(info, pid.Errno, program, strings.SearchPath ?? ProgramSearch.DefaultPath, descriptors);
            pidfd = request.Pidfd;
            return pid.IntValue;
        }
    }

    private static SpawnFlags GroupFlags(ProcessGroup group) => group switch
    {
        ProcessGroup.New => SpawnFlags.NewGroup,
        ProcessGroup.Foreground => SpawnFlags.NewGroup | SpawnFlags.Foreground,
        ProcessGroup.NewSession => SpawnFlags.NewSession,
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
