using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace UnixLoop.Hosting.Kestrel;

/// <summary>
/// Binds the transport's options to the section that is the default loop's. The binder passes much over without a word; a listener that is not read as it
/// was meant would be open to all, so each such thing is a mistake.
/// </summary>
internal sealed class KestrelSection(IEnumerable<ILoopSection> sections, IConfiguration? configuration = null) : IConfigureOptions<KestrelTransportOptions>
{
    private static readonly string[] s_ofListeners = [.. typeof(UnixListenerOptions).GetProperties().Select(property => property.Name)];

    public void Configure(KestrelTransportOptions options)
    {
        if (!sections.Any() && configuration?.GetSection($"{DefaultSection.Key}:{nameof(options.Listeners)}").GetChildren().Any() == true)
        {
            options.Mistakes.Add(
                $"{DefaultSection.Key}:{nameof(options.Listeners)} stands in the configuration, and nothing reads it: AddUnixEventLoop(options => …) binds no section; call AddUnixEventLoop() as well.");
        }
        // A section that was handed over twice counts once: binding a list twice would double it.
        foreach (IConfigurationSection section in sections.Select(loop => loop.Section).DistinctBy(section => section.Path, StringComparer.OrdinalIgnoreCase))
        {
            SectionBinding.Bind(section, bound => bound.Bind(options), options.Mistakes);
            IConfigurationSection listeners = section.GetSection(nameof(options.Listeners));
            options.Mistakes.AddRange(SectionBinding.ShapeMistakes(listeners).Concat(listeners.GetChildren().SelectMany(ListenerMistakes)));
        }
    }

    private static IEnumerable<string> ListenerMistakes(IConfigurationSection listener)
    {
        foreach (string mistake in SectionBinding.ShapeMistakes(listener))
            yield return mistake;
        foreach (IConfigurationSection option in listener.GetChildren())
        {
            bool isList = option.Key.StartsWith("Allowed", StringComparison.OrdinalIgnoreCase);
            if (!s_ofListeners.Contains(option.Key, StringComparer.OrdinalIgnoreCase))
                yield return $"{option.Path} is no option of a listener.";
            else if (isList && !string.IsNullOrEmpty(option.Value))
                yield return $"{option.Path} is '{option.Value}'; it must be a list ({option.Path}:0, {option.Path}:1 and so on).";
            else if (!isList && SectionBinding.MistakeOfParts(option) is { } mistake)
                yield return mistake;
            else if (isList && option.GetChildren().FirstOrDefault(static one => one.GetChildren().Any() || one.Value is null) is { } nested)
                yield return $"{nested.Path} is no single value; it must be a name or a number.";
        }
    }
}
