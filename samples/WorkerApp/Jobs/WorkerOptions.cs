using Microsoft.Extensions.Options;

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

    /// <summary>Started again, a second after it has ended.</summary>
    public bool KeepRunning { get; set; }

    internal bool IsSameAs(JobOptions other) =>
        Every == other.Every && KeepRunning == other.KeepRunning && Command.AsSpan().SequenceEqual(other.Command);
}

/// <summary>Lists every mistake at once, at the start and at each reload.</summary>
internal sealed class WorkerOptionsValidator : IValidateOptions<WorkerOptions>
{
    public ValidateOptionsResult Validate(string? name, WorkerOptions options)
    {
        ValidateOptionsResultBuilder mistakes = new();
        foreach ((string job, JobOptions settings) in options.Jobs)
        {
            if (settings.Command is not [{ Length: > 0 }, ..])
                mistakes.AddError($"Worker:Jobs:{job}:Command is empty; it must name a program.");
            if (settings.KeepRunning == settings.Every.HasValue)
                mistakes.AddError($"Worker:Jobs:{job} must have either Every or KeepRunning: true.");
            if (settings.Every <= TimeSpan.Zero)
                mistakes.AddError($"Worker:Jobs:{job}:Every is {settings.Every}; it must be above zero.");
        }
        return mistakes.Build();
    }
}
