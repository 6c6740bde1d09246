using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace UnixLoop.Hosting.Kestrel;

/// <summary>Binds the transport's options to the section that is the default loop's.</summary>
internal sealed class KestrelSection(IEnumerable<ILoopSection> sections) : IConfigureOptions<KestrelTransportOptions>
{
    public void Configure(KestrelTransportOptions options)
    {
        // A section that was handed over twice counts once: binding a list twice would double it.
        foreach (IConfigurationSection section in sections.Select(loop => loop.Section).DistinctBy(section => section.Path, StringComparer.OrdinalIgnoreCase))
            section.Bind(options);
    }
}
