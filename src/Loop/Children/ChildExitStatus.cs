namespace UnixLoop;

/// <summary>Which of the four ways a child's end can look from outside.</summary>
public enum ChildExitKind
{
    /// <summary>It ended without a status that we understand, or nobody could tell: <see cref="ChildExitStatus.RawStatus"/> has what the kernel said, if anything.</summary>
    Unknown,

    /// <summary>It called exit(3): <see cref="ChildExitStatus.ExitCode"/>.</summary>
    Exited,

    /// <summary>A signal killed it: <see cref="ChildExitStatus.Signal"/>.</summary>
    Signaled,

    /// <summary>Somebody else in this process reaped it, and the kernel could not tell us its status (asyncio: 255 and a warning).</summary>
    ReapedElsewhere,
}

/// <summary>How a child ended (waitid(2), wait(2)).</summary>
public readonly record struct ChildExitStatus
{
    /// <summary>Which of the other members is meaningful.</summary>
    public ChildExitKind Kind { get; init; }

    /// <summary>0 to 255 if it exited, else null.</summary>
    public int? ExitCode { get; init; }

    /// <summary>The signal that killed it, else null.</summary>
    public UnixSignal? Signal { get; init; }

    /// <summary>Whether that signal left a core dump.</summary>
    public bool CoreDumped { get; init; }

    /// <summary>wait(2)'s status word, where the kernel gave one.</summary>
    public int? RawStatus { get; init; }

    /// <summary>What it used; null when somebody else reaped it.</summary>
    public ChildResourceUsage? ResourceUsage { get; init; }

    /// <summary>From the spawn to the exit notice; zero where the watcher was not told of the spawn.</summary>
    public TimeSpan RunTime { get; init; }

    /// <summary>Whether it exited with code 0.</summary>
    public bool IsSuccess => ExitCode == 0;

    /// <summary>asyncio's number: the exit code, minus the signal's number, or 255 when somebody else reaped it.</summary>
    public int ReturnCode => Kind switch
    {
        ChildExitKind.Exited => ExitCode!.Value,
        ChildExitKind.Signaled => -Signal!.Value.Number,
        ChildExitKind.ReapedElsewhere => 255,
        _ => RawStatus ?? 255,
    };

    /// <summary>A shell's number: the exit code, or 128 plus the signal's number; 255 when unknown.</summary>
    public int ShellExitCode => Kind switch
    {
        ChildExitKind.Exited => ExitCode!.Value,
        ChildExitKind.Signaled => 128 + Signal!.Value.Number,
        _ => 255,
    };

    /// <summary>"exit code 3", "killed by SIGKILL", "killed by SIGSEGV (core dumped)", "reaped elsewhere", "unknown status 0x137f".</summary>
    public override string ToString() => Kind switch
    {
        ChildExitKind.Exited => $"exit code {ExitCode}",
        ChildExitKind.Signaled => CoreDumped ? $"killed by {Signal} (core dumped)" : $"killed by {Signal}",
        ChildExitKind.ReapedElsewhere => "reaped elsewhere",
        _ => RawStatus is int raw ? $"unknown status 0x{raw:x}" : "unknown status",
    };
}
