using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using UnixLoop.Hosting.Activation;
using UnixLoop.Transports;

namespace UnixLoop.Hosting.Kestrel.Listening;

/// <summary>What the service manager has bound, beside what the configuration says: the former is in force, and a difference is a mistake in one of the two.</summary>
internal static class ActivatedListener
{
    internal static void WarnOfDifferences(ILogger logger, string fdName, UnixSocketAddress activated, UnixSocketAddress described, UnixListenerOptions options)
    {
        if (!activated.Equals(described))
            KestrelLog.ActivatedAddressDiffers(logger, fdName, activated.ToString(), described.ToString());
        if (ListenerRules.Mode(options.Mode) is { } mode && activated.Path is { } path && TryGetMode(path, out UnixFileMode actual) && actual != mode)
            KestrelLog.ActivatedModeDiffers(logger, fdName, Octal(actual), Octal(mode));
    }

    /// <summary>
    /// An address in use, and activated sockets that nobody has taken: the service manager holds it, for another process or under another name. Null where
    /// nothing is left.
    /// </summary>
    internal static string? WhyNotTaken(SocketActivation? activation, NamedListener? listener)
    {
        if (activation?.OtherProcess is int process)
            return $"{SocketActivation.PidVariable} names process {process}, not this one, and so no activated socket is taken.";
        if (activation?.Untaken is not { Length: > 0 } left)
            return null;
        string taker = listener is null
            ? "No listener of UnixEventLoop:Listeners describes this endpoint, and so it takes no activated socket"
            : $"No activated socket has the name '{listener.FdName}', which the listener '{listener.Name}' takes";
        return $"{taker}; left are: '{string.Join("', '", left)}' (the socket unit's FileDescriptorName=, the listener's FdName).";
    }

    /// <summary>False where the file can't be seen from here: it may be in another root.</summary>
    [SuppressMessage("Interoperability", "CA1416:Validate platform compatibility", Justification = "A loop runs on Linux alone.")]
    private static bool TryGetMode(string path, out UnixFileMode mode)
    {
        mode = default;
        try
        {
            mode = File.GetUnixFileMode(path);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string Octal(UnixFileMode mode) => Convert.ToString((int)mode, 8).PadLeft(4, '0');
}
