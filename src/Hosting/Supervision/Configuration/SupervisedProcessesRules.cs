using Microsoft.Extensions.Options;

namespace UnixLoop.Hosting.Supervision;

/// <summary>
/// Lists the mistakes of all processes with those of the loop that they belong to: their names come from the configuration, so that no
/// options of their own could be registered for validation at the start.
/// </summary>
internal sealed class SupervisedProcessesRules(ProcessCatalog catalog) : IValidateOptions<UnixEventLoopOptions>
{
    public ValidateOptionsResult Validate(string? name, UnixEventLoopOptions options)
    {
        if (!string.IsNullOrEmpty(name))
            return ValidateOptionsResult.Skip;
        var mistakes = new List<string>();
        catalog.Read(mistakes);
        return mistakes.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(mistakes);
    }
}
