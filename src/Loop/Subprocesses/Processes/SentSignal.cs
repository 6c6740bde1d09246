using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

/// <summary>What became of a signal, at the public edge.</summary>
internal static class SentSignal
{
    /// <returns>False if the process has ended.</returns>
    /// <exception cref="UnauthorizedAccessException">EPERM.</exception>
    internal static bool ThrowOrTell(PosixResult sent, UnixSignal signal, object target)
    {
        if (sent.IsSuccess || sent.Errno == ESRCH)
            return sent.IsSuccess;
        if (sent.Errno == EPERM)
            throw Forbidden(signal, target);
        if (sent.Errno == EINVAL)
            throw new ArgumentOutOfRangeException(nameof(signal), signal, "There is no such signal (kill(2), EINVAL).");
        throw PosixError.ToException(sent, $"{signal} to {target}");
    }

    internal static void ThrowIfNone(UnixSignal signal)
    {
        if (signal == default)
            throw new ArgumentException("The default value is no signal: a signal's number is 1 to 64.", nameof(signal));
    }

    internal static UnauthorizedAccessException Forbidden(UnixSignal signal, object target) =>
        new($"EPERM: {signal} to {target}: it runs as another user.");
}
