namespace WorkerApp.Jobs;

/// <summary>The section "Worker".</summary>
internal sealed class WorkerOptions
{
    public Dictionary<string, JobOptions> Jobs { get; } = new(StringComparer.Ordinal);
}

/// <summary>A program to run: either every so often, or kept running.</summary>
internal sealed class JobOptions
{
    /// <summary>The program and its arguments; no shell is involved.</summary>
    public string[] Command { get; set; } = [];

    /// <summary>From start to start. A run that takes longer puts the next one off.</summary>
    public TimeSpan? Every { get; set; }

    /// <summary>Supervised: started again whenever it has ended, after a second at first and ever later if it ends ever again.</summary>
    public bool KeepRunning { get; set; }

    internal bool IsSameAs(JobOptions other) =>
        Every == other.Every && Command.AsSpan().SequenceEqual(other.Command);
}
