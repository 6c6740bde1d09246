using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace UnixLoop.Hosting.Kestrel;

/// <summary>Binds the transport's options to the section that is the default loop's.</summary>
internal sealed class KestrelSection(IEnumerable<ILoopSection> sections) : IConfigureOptions<KestrelTransportOptions>
{
    private static readonly string[] s_known = [.. typeof(UnixListenerOptions).GetProperties().Select(property => property.Name)];

    public void Configure(KestrelTransportOptions options)
    {
        // A section that was handed over twice counts once: binding a list twice would double it.
        foreach (IConfigurationSection section in sections.Select(loop => loop.Section).DistinctBy(section => section.Path, StringComparer.OrdinalIgnoreCase))
        {
            section.Bind(options);
            foreach (IConfigurationSection option in section.GetSection(nameof(options.Listeners)).GetChildren().SelectMany(listener => listener.GetChildren()))
            {
                // The binder passes both over without a word, and the listener would be open to all.
                if (!s_known.Contains(option.Key, StringComparer.OrdinalIgnoreCase))
                    options.Mistakes.Add($"{option.Path} is no option of a listener.");
                else if (option.Key.StartsWith("Allowed", StringComparison.OrdinalIgnoreCase) && !string.IsNullOrEmpty(option.Value))
                    options.Mistakes.Add($"{option.Path} is '{option.Value}'; it must be a list ({option.Path}:0, {option.Path}:1 and so on).");
            }
        }
    }
}
