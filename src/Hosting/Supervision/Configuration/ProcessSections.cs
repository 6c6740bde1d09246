using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace UnixLoop.Hosting.Supervision;

/// <summary>A configuration section whose children are supervised processes, each under its name.</summary>
internal interface IProcessSection
{
    IConfigurationSection Section { get; }
}

/// <summary>That of the parameterless <c>AddUnixEventLoop</c>.</summary>
internal sealed class DefaultProcessSection(IConfiguration configuration) : IProcessSection
{
    public IConfigurationSection Section { get; } = configuration.GetSection($"{DefaultSection.Key}:{ProcessSections.Key}");
}

/// <summary>That of a section which <c>AddUnixEventLoop</c> was handed.</summary>
internal sealed class HandedProcessSection(IConfigurationSection loop) : IProcessSection
{
    public IConfigurationSection Section { get; } = loop.GetSection(ProcessSections.Key);
}

/// <summary>Binds a process's options to the part of the configuration that has its name.</summary>
internal sealed class ProcessSections(IEnumerable<IProcessSection> sections) : IConfigureNamedOptions<SupervisedProcessOptions>
{
    internal const string Key = "Processes";

    private static readonly string[] Known = [.. typeof(SupervisedProcessOptions).GetProperties().Select(property => property.Name)];

    public void Configure(string? name, SupervisedProcessOptions options)
    {
        foreach (IConfigurationSection process in Distinct(sections).Select(processes => processes.GetSection(name!)))
        {
            options.Mistakes.AddRange(process.GetChildren()
                .Where(child => !Known.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
                .Select(child => $"{child.Path} is no option of a supervised process."));
            SectionBinding.Bind(process, configuration => configuration.Bind(options), options.Mistakes);
        }
    }

    public void Configure(SupervisedProcessOptions options) => Configure(Options.DefaultName, options);

    /// <summary>A section that was handed over twice counts once: binding a list twice would double it.</summary>
    internal static IEnumerable<IConfigurationSection> Distinct(IEnumerable<IProcessSection> sections) =>
        sections.Select(processes => processes.Section).DistinctBy(section => section.Path, StringComparer.OrdinalIgnoreCase);
}
