using UnixLoop.Interop;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>A socket that <see cref="SocketBinder"/> has bound, with its file and the lock that it still holds.</summary>
/// <param name="socket">Non-blocking.</param>
/// <param name="file">Null for an abstract name.</param>
/// <param name="lock">Null for an abstract name.</param>
/// <param name="hasReplacedStale">Whether a stale socket was removed to make way.</param>
internal sealed class BoundSocket(UnixHandle socket, SocketFile? file, SocketLock? @lock, bool hasReplacedStale) : IDisposable
{
    internal bool HasReplacedStale => hasReplacedStale;

    internal UnixHandle Socket { get; } = socket;

    /// <summary>Others may look whether the socket is alive: it listens, or needs not to.</summary>
    internal void ReleaseLock() => @lock?.Dispose();

    /// <summary>Removes the file while the socket still holds its inode, then closes, then lets go of the lock. Idempotent.</summary>
    public void Dispose()
    {
        if (!Socket.IsClosed)
            file?.RemoveIfOurs();
        Socket.Dispose();
        file?.Dispose();
        @lock?.Dispose();
    }
}
