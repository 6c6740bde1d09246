namespace UnixLoop;

/// <summary>What a child and its waited-for descendants used (getrusage(2)).</summary>
public readonly record struct ChildResourceUsage
{
    /// <summary>CPU time in user mode.</summary>
    public TimeSpan UserTime { get; init; }

    /// <summary>CPU time in the kernel.</summary>
    public TimeSpan SystemTime { get; init; }

    /// <summary>
    /// Peak resident memory in bytes. A child starts with its parent's peak (it is spawned in the parent's memory), so a figure
    /// at or below that says nothing about the child.
    /// </summary>
    public long MaxResidentBytes { get; init; }

    /// <summary>Page faults served without I/O.</summary>
    public long MinorFaults { get; init; }

    /// <summary>Page faults that needed I/O.</summary>
    public long MajorFaults { get; init; }

    /// <summary>Block input operations.</summary>
    public long BlockInputs { get; init; }

    /// <summary>Block output operations.</summary>
    public long BlockOutputs { get; init; }

    /// <summary>Context switches because it waited.</summary>
    public long VoluntarySwitches { get; init; }

    /// <summary>Context switches because its time was up.</summary>
    public long InvoluntarySwitches { get; init; }

    /// <summary>User and system time together.</summary>
    public TimeSpan TotalTime => UserTime + SystemTime;
}
