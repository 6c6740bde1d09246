namespace UnixLoop.Hosting;

/// <summary>How one run of a supervised process ended, or why it could not begin.</summary>
public sealed class SupervisedProcessExit
{
    internal SupervisedProcessExit()
    {
    }

    /// <summary>When that was told.</summary>
    public DateTimeOffset Time { get; internal init; }

    /// <summary>The pid it had; null if it could not be started.</summary>
    public int? ProcessId { get; internal init; }

    /// <summary>How it ended; null if it could not be started.</summary>
    public ChildExitStatus? Status { get; internal init; }

    /// <summary>Why it could not be started; null if it could.</summary>
    public string? Error { get; internal init; }

    /// <summary>"exit code 3", "killed by SIGKILL", or the error of the start.</summary>
    public override string ToString() => Status?.ToString() ?? Error ?? "";
}
