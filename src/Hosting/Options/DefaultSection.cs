using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using UnixLoop.Hosting.Supervision;

namespace UnixLoop.Hosting;

/// <summary>Binds the default loop's options to the section that the parameterless <c>AddUnixEventLoop</c> names.</summary>
internal sealed class DefaultSection(IConfiguration configuration) : IConfigureOptions<UnixEventLoopOptions>
{
    internal const string Key = "UnixEventLoop";

    private static readonly string[] s_known =
    [
        .. typeof(UnixEventLoopOptions).GetProperties().Concat(typeof(KestrelTransportOptions).GetProperties()).Select(property => property.Name), ProcessSections.Key,
    ];

    public void Configure(UnixEventLoopOptions options) => Bind(configuration.GetSection(Key), options);

    /// <summary>The binder passes over what it does not know without a word.</summary>
    internal static void Bind(IConfigurationSection section, UnixEventLoopOptions options)
    {
        SectionBinding.Bind(section, configuration => configuration.Bind(options), options.Mistakes);
        options.Mistakes.AddRange(section.GetChildren()
            .Where(child => !s_known.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
            .Select(child => $"{child.Path} is no option of the loop or of Kestrel's transport.")
            .Except(options.Mistakes)); // a section may be handed over twice
    }
}
