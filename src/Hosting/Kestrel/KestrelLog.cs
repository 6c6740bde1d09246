using Microsoft.Extensions.Logging;

namespace UnixLoop.Hosting.Kestrel;

internal static partial class KestrelLog
{
    internal const string Category = "UnixLoop.Kestrel";

    [LoggerMessage(2400, LogLevel.Information, "Kestrel's Unix socket {Address} is served by the loop '{Loop}' (application: {Scheduling}, loops: {LoopCount}).", EventName = "KestrelEndpointBound")]
    internal static partial void EndpointBound(ILogger logger, string address, string loop, ApplicationScheduling scheduling, int loopCount);

    [LoggerMessage(2401, LogLevel.Information, "Kestrel's Unix socket {Address} is the activated socket '{FdName}' (descriptor {Descriptor}).", EventName = "KestrelEndpointActivated")]
    internal static partial void EndpointActivated(ILogger logger, string address, string fdName, int descriptor);

    [LoggerMessage(2402, LogLevel.Warning, "The listener '{Listener}' describes {Address}, but no endpoint of Kestrel has that address: it has no effect.", EventName = "KestrelListenerUnused")]
    internal static partial void ListenerUnused(ILogger logger, string listener, string address);

    [LoggerMessage(2403, LogLevel.Warning, "The activated socket '{FdName}' belongs to no listener, and is closed when the host ends.", EventName = "ActivatedSocketUnused")]
    internal static partial void ActivatedSocketUnused(ILogger logger, string fdName);

    [LoggerMessage(2404, LogLevel.Warning, "Kestrel's Unix socket {Address} has ended, and connections of it have not: a callback holds their loop.", EventName = "KestrelConnectionsLeft")]
    internal static partial void ConnectionsLeft(ILogger logger, string address);

    [LoggerMessage(2405, LogLevel.Warning, "The activated socket '{FdName}' is at {Activated}, while its listener describes {Described}: clients find it where the service manager has bound it.", EventName = "ActivatedAddressDiffers")]
    internal static partial void ActivatedAddressDiffers(ILogger logger, string fdName, string activated, string described);

    [LoggerMessage(2406, LogLevel.Warning, "The activated socket '{FdName}' has the mode {Activated}, while its listener's Mode is {Described}: who may connect is what the service manager has set (SocketMode=).", EventName = "ActivatedModeDiffers")]
    internal static partial void ActivatedModeDiffers(ILogger logger, string fdName, string activated, string described);
}
