using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using UnixLoop.Transports;

namespace UnixLoop.Hosting.Kestrel.Listening;

/// <summary>Which listener's options belong to which address, and which of them an endpoint has used.</summary>
internal sealed class ListenerCatalog
{
    /// <summary>Made by the first bind, when the options have been validated.</summary>
    private readonly Lazy<Dictionary<UnixSocketAddress, NamedListener>> _byAddress;

    /// <summary>The names of the listeners whose endpoints have been bound. Guards the next one too.</summary>
    private readonly HashSet<string> _used = [];

    private readonly List<UnixSocketAddress> _undescribed = [];
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
            {
                _undescribed.Add(address);
                return null;
            }
            _used.Add(listener.Name);
            return listener;
        }
    }

    /// <summary>Once all endpoints are bound: see <see cref="OpenEndpoints"/>. Null if all is well.</summary>
    internal string? FindOpenEndpoint()
    {
        lock (_used)
        {
            if (_undescribed.Count == 0)
                return null;
            (UnixSocketAddress? address, NamedListener? listener) = Unused().FirstOrDefault(static pair => pair.Value.IsRestricted);
            return listener is null ? null
                : $"The listener '{listener.Name}' says who may connect, but no endpoint has its address, {address}; and no listener has that of {string.Join(", ", _undescribed)}, which is open. "
                    + "They must be equal, letter by letter.";
        }
    }

    /// <summary>Once all endpoints are bound.</summary>
    internal void WarnOfUnused()
    {
        lock (_used)
        {
            foreach ((UnixSocketAddress address, NamedListener listener) in Unused())
                KestrelLog.ListenerUnused(_logger, listener.Name, address.ToString());
        }
    }

    private IEnumerable<KeyValuePair<UnixSocketAddress, NamedListener>> Unused() => _byAddress.Value.Where(pair => !_used.Contains(pair.Value.Name));
}

/// <summary>A listener's options under their name.</summary>
internal sealed record NamedListener(string Name, UnixListenerOptions Options)
{
    internal string FdName => Options.FdName ?? Name;

    internal bool IsRestricted => Options.Mode is not null || Options.AllowedUsers.Count + Options.AllowedGroups.Count > 0;
}
