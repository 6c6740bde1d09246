using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace UnixLoop.Hosting.Supervision;

/// <summary>A process that <c>AddSupervisedProcess</c> named.</summary>
internal sealed record NamedProcess(string Name);

/// <summary>Which processes there are to be, by code and configuration, and with which options.</summary>
/// <remarks>
/// Not IOptionsMonitor: its names can't be listed, and a mistake in what it reloads is thrown into the reload of the configuration, where
/// it keeps all others from hearing of it.
/// </remarks>
internal sealed class ProcessCatalog(
    IEnumerable<NamedProcess> named, IEnumerable<IProcessSection> sections, IOptionsFactory<SupervisedProcessOptions> factory)
{
    /// <summary>All that can be read; every mistake goes into <paramref name="mistakes"/>, with the name of its process.</summary>
    internal IReadOnlyDictionary<string, SupervisedProcessOptions> Read(List<string> mistakes)
    {
        var processes = new Dictionary<string, SupervisedProcessOptions>(StringComparer.OrdinalIgnoreCase);
        foreach (string name in Names().Distinct(StringComparer.OrdinalIgnoreCase))
        {
            try
            {
                processes.Add(name, factory.Create(name));
            }
            catch (OptionsValidationException e)
            {
                mistakes.AddRange(e.Failures.Select(failure => $"Process '{name}': {failure}"));
            }
        }

        return processes;
    }

    /// <summary>Of the children's <paramref name="grace"/> and those that processes have of their own.</summary>
    internal TimeSpan LongestGrace(TimeSpan grace) => Read([]).Values.Aggregate(grace, static (longest, process) => process.StopGrace > longest ? process.StopGrace.Value : longest);

    internal IDisposable OnChange(Action changed) => new Subscriptions(
        [.. ProcessSections.Distinct(sections).Select(section => ChangeToken.OnChange(section.GetReloadToken, changed))]);

    private IEnumerable<string> Names() =>
        [.. named.Select(process => process.Name), .. ProcessSections.Distinct(sections).SelectMany(section => section.GetChildren()).Select(child => child.Key)];

    private sealed class Subscriptions(IDisposable[] all) : IDisposable
    {
        public void Dispose()
        {
            foreach (IDisposable one in all)
                one.Dispose();
        }
    }
}
