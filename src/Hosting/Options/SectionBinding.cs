using Microsoft.Extensions.Configuration;

namespace UnixLoop.Hosting;

/// <summary>The binder ends at the first value of another type, and its exception would be the only mistake that is told.</summary>
internal static class SectionBinding
{
    /// <param name="section">The options' part of the configuration.</param>
    /// <param name="bind">Binds the options to what it is given. Called again with single children where a value is of another type: the options are then used for further checks alone.</param>
    /// <param name="mistakes">Gets what can't be converted, each with its key, its value and its type.</param>
    internal static void Bind(IConfigurationSection section, Action<IConfiguration> bind, List<string> mistakes)
    {
        try
        {
            bind(section);
        }
        catch (InvalidOperationException)
        {
            foreach (IConfigurationSection child in section.GetChildren())
            {
                IConfiguration alone = new ConfigurationBuilder().AddInMemoryCollection(child.AsEnumerable()).Build();
                try
                {
                    bind(alone.GetSection(section.Path));
                }
                catch (InvalidOperationException e)
                {
                    mistakes.Add(e.Message);
                }
            }
        }
    }

    internal static IEnumerable<string> ShapeMistakes(IConfigurationSection section)
    {
        if (!string.IsNullOrEmpty(section.Value))
            yield return $"{section.Path} is '{section.Value}'; it must be a section.";
    }

    /// <summary>The mistake of an option that is not a single value; null if it is one.</summary>
    internal static string? MistakeOfParts(IConfigurationSection option) =>
        option.GetChildren().Any() ? $"{option.Path} has parts of its own; it must be a single value." : null;
}
