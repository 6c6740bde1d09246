using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using UnixLoop.Transports;

namespace UnixLoop.Hosting.Kestrel.Listening;

/// <summary>Which listener's options belong to which address, and which of them an endpoint has used.</summary>
internal sealed class ListenerCatalog
{
    /// <summary>Made by the first bind, when the options have been validated.</summary>
    private readonly Lazy<Dictionary<UnixSocketAddress, NamedListener>> _byAddress;

    private readonly HashSet<string> _used = [];
    private readonly ILogger _logger;

    public ListenerCatalog(IOptions<KestrelTransportOptions> options, ILoggerFactory loggers)
    {
        _logger = loggers.CreateLogger(KestrelLog.Category);
        _byAddress = new(() => options.Value.Listeners.ToDictionary(
            static pair => ListenerRules.TryGetAddress(pair.Value)!, static pair => new NamedListener(pair.Key, pair.Value)));
    }

    /// <summary>Null for an endpoint that nobody has described.</summary>
    internal NamedListener? Use(UnixSocketAddress address)
    {
        lock (_used)
        {
            if (!_byAddress.Value.TryGetValue(address, out NamedListener? listener))
                return null;
            _used.Add(listener.Name);
            return listener;
        }
    }

    /// <summary>Once all endpoints are bound.</summary>
    internal void WarnOfUnused()
    {
        lock (_used)
        {
            foreach ((UnixSocketAddress address, NamedListener listener) in _byAddress.Value.Where(pair => !_used.Contains(pair.Value.Name)))
                KestrelLog.ListenerUnused(_logger, listener.Name, address.ToString());
        }
    }
}

/// <summary>A listener's options under their name.</summary>
internal sealed record NamedListener(string Name, UnixListenerOptions Options)
{
    internal string FdName => Options.FdName ?? Name;
}
