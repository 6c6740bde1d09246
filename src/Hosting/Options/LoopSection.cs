using Microsoft.Extensions.Configuration;

namespace UnixLoop.Hosting;

/// <summary>A configuration section that the default loop's options come from, and those of what belongs to it.</summary>
internal interface ILoopSection
{
    IConfigurationSection Section { get; }
}

/// <summary>That of the parameterless <c>AddUnixEventLoop</c>.</summary>
internal sealed class DefaultLoopSection(IConfiguration configuration) : ILoopSection
{
    public IConfigurationSection Section { get; } = configuration.GetSection(DefaultSection.Key);
}

/// <summary>One that <c>AddUnixEventLoop</c> was handed.</summary>
internal sealed record HandedLoopSection(IConfigurationSection Section) : ILoopSection;
