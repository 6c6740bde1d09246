using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using UnixLoop.Hosting.Supervision;

namespace UnixLoop.Hosting;

/// <summary>Binds the default loop's options to the section that the parameterless <c>AddUnixEventLoop</c> names.</summary>
internal sealed class DefaultSection(IConfiguration configuration) : IConfigureOptions<UnixEventLoopOptions>
{
    internal const string Key = "UnixEventLoop";

    private static readonly string[] s_sections = [ProcessSections.Key, nameof(KestrelTransportOptions.Listeners)];

    private static readonly string[] s_values =
    [
        .. typeof(UnixEventLoopOptions).GetProperties().Concat(typeof(KestrelTransportOptions).GetProperties()).Select(property => property.Name).Except(s_sections),
    ];

    public void Configure(UnixEventLoopOptions options) => Bind(configuration.GetSection(Key), options);

    /// <summary>The binder passes over what it does not know without a word.</summary>
    internal static void Bind(IConfigurationSection section, UnixEventLoopOptions options)
    {
        SectionBinding.Bind(section, configuration => configuration.Bind(options), options.Mistakes);
        IEnumerable<string> mistakes = SectionBinding.ShapeMistakes(section).Concat(section.GetChildren().Select(MistakeOf).OfType<string>());
        options.Mistakes.AddRange(mistakes.Except(options.Mistakes)); // a section may be handed over twice
    }

    private static string? MistakeOf(IConfigurationSection child)
    {
        if (s_values.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
            return SectionBinding.MistakeOfParts(child);
        return s_sections.Contains(child.Key, StringComparer.OrdinalIgnoreCase) ? null : $"{child.Path} is no option of the loop or of Kestrel's transport.";
    }
}
