using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace UnixLoop.Hosting;

/// <summary>Binds the default loop's options to the section that the parameterless <c>AddUnixEventLoop</c> names.</summary>
internal sealed class DefaultSection(IConfiguration configuration) : IConfigureOptions<UnixEventLoopOptions>
{
    internal const string Key = "UnixEventLoop";

    public void Configure(UnixEventLoopOptions options) => Bind(configuration.GetSection(Key), options);

    internal static void Bind(IConfigurationSection section, UnixEventLoopOptions options) =>
        SectionBinding.Bind(section, configuration => configuration.Bind(options), options.Mistakes);
}
