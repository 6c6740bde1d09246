using Microsoft.Extensions.Options;
using UnixLoop.Hosting.Kestrel.Listening;
using UnixLoop.Transports;

namespace UnixLoop.Hosting.Kestrel;

/// <summary>Every mistake is listed, with the value and the rule.</summary>
internal sealed class KestrelTransportOptionsRules : IValidateOptions<KestrelTransportOptions>
{
    private const int MostLoops = 64;

    public ValidateOptionsResult Validate(string? name, KestrelTransportOptions options)
    {
        var result = new ValidateOptionsResultBuilder();
        foreach (string mistake in options.Mistakes)
            result.AddError(mistake);
        if (!Enum.IsDefined(options.ApplicationScheduling))
            result.AddError($"is {(int)options.ApplicationScheduling}; it must be {string.Join(", ", Enum.GetNames<ApplicationScheduling>())}.", nameof(options.ApplicationScheduling));
        if (options.LoopCount is < 1 or > MostLoops)
            result.AddError($"is {options.LoopCount}; it must be between 1 and {MostLoops}.", nameof(options.LoopCount));
        CheckSize(nameof(options.MaxReadBufferSize), options.MaxReadBufferSize);
        CheckSize(nameof(options.MaxWriteBufferSize), options.MaxWriteBufferSize);

        var names = new Dictionary<UnixSocketAddress, string>();
        foreach ((string listener, UnixListenerOptions its) in options.Listeners.OrderBy(pair => pair.Key, StringComparer.OrdinalIgnoreCase))
        {
            if (its is null)
            {
                result.AddError($"The listener '{listener}' is null.");
                continue;
            }
            foreach (string mistake in ListenerRules.Mistakes(its))
                result.AddError($"The listener '{listener}' {mistake}");
            if (ListenerRules.TryGetAddress(its) is { } address && !names.TryAdd(address, listener))
                result.AddError($"The listeners '{names[address]}' and '{listener}' have one address, {address}.");
        }
        return result.Build();

        void CheckSize(string property, int size)
        {
            if (size < 1)
                result.AddError($"is {size}; it must be at least 1 byte.", property);
        }
    }
}
