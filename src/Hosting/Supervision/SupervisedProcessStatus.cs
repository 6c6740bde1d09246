namespace UnixLoop.Hosting;

/// <summary>What is known of a supervised process at one moment; it does not change later.</summary>
public sealed class SupervisedProcessStatus
{
    internal SupervisedProcessStatus(string name) => Name = name;

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Where it stands.</summary>
    public SupervisedProcessState State { get; internal init; }

    /// <summary>Its pid; null while it does not run.</summary>
    public int? ProcessId { get; internal init; }

    /// <summary>How often it has been started.</summary>
    public int Starts { get; internal init; }

    /// <summary>How many of these starts followed an end by its restart policy.</summary>
    public int Restarts { get; internal init; }

    /// <summary>Its last ends and failed starts, the latest last: ten at most.</summary>
    public IReadOnlyList<SupervisedProcessExit> LastExits { get; internal init; } = [];

    /// <summary>"web: Ready, pid 4711", "web: BackingOff".</summary>
    public override string ToString() => ProcessId is int pid ? $"{Name}: {State}, pid {pid}" : $"{Name}: {State}";
}
