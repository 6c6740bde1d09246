using System.Globalization;

namespace WorkerApp.Jobs;

/// <summary>
/// Shows UnixLoop each job that is kept running as a supervised process, UnixEventLoop:Processes:NAME. The last source of the
/// configuration: it reads what those before it have just loaded. A configuration with mistakes, which others tell of, changes nothing.
/// </summary>
internal sealed class KeptJobs(IConfiguration configuration) : ConfigurationProvider, IConfigurationSource
{
    public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

    public override void Load()
    {
        if (TryRead() is not { } worker)
            return;
        Dictionary<string, string?> processes = new(StringComparer.OrdinalIgnoreCase);
        foreach ((string name, JobOptions job) in worker.Jobs.Where(job => job.Value.KeepRunning))
        {
            string process = $"UnixEventLoop:Processes:{name}";
            processes[$"{process}:FileName"] = job.Command[0];
            for (int i = 1; i < job.Command.Length; i++)
                processes[$"{process}:Arguments:{(i - 1).ToString(CultureInfo.InvariantCulture)}"] = job.Command[i];
            processes[$"{process}:StandardErrorAsWarning"] = "true";
            processes[$"{process}:MaxStarts"] = "0"; // never given up
        }
        Data = processes;
    }

    private WorkerOptions? TryRead()
    {
        WorkerOptions worker = new();
        try
        {
            configuration.Bind("Worker", worker);
        }
        catch (InvalidOperationException) // of a wrong type
        {
            return null;
        }
        return new WorkerOptionsValidator().Validate(null, worker).Failed ? null : worker;
    }
}
