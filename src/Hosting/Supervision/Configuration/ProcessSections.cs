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

    public void Configure(string? name, SupervisedProcessOptions options)
    {
        foreach (IProcessSection processes in sections)
            processes.Section.GetSection(name!).Bind(options);
    }

    public void Configure(SupervisedProcessOptions options) => Configure(Options.DefaultName, options);
}
