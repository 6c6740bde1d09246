using System.Runtime.InteropServices;
using UnixLoop.Selector;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>
/// The one registration of a datagram socket. Level-triggered, and only for directions in which somebody waits: an event that
/// nobody waits for takes its direction out (linux.md, rule 2), so that a reader who comes back soon needs no epoll_ctl(2).
/// </summary>
internal sealed class DatagramReadiness : IDisposable
{
    internal static readonly uint Readable = (uint)EPOLLIN;
    internal static readonly uint Writable = (uint)EPOLLOUT;

    /// <summary>Can't be masked, and concerns both directions.</summary>
    internal static readonly uint Failed = (uint)(EPOLLERR | EPOLLHUP);

    private readonly Lock _gate = new();
    private SelectorRegistration _registration = null!;

    /// <summary>Before any other call. Not in epoll before the first wait, and told of the loop's end from now on; the selector keeps <paramref name="handler"/> alive.</summary>
    internal void Register(UnixEventLoop loop, SafeHandle socket, IReadyHandler handler)
    {
        // The loop, which may call before this returns, then finds the registration.
        lock (_gate)
            _registration = loop.Selector.Register(socket, 0, handler);
    }

    /// <summary>From now on <paramref name="direction"/> is reported; any thread.</summary>
    /// <exception cref="IOException">epoll_ctl(2) failed.</exception>
    /// <exception cref="ObjectDisposedException">The loop has ended.</exception>
    internal void Want(uint direction)
    {
        lock (_gate)
        {
            if (_registration.IsRemoved)
                throw EpollSelector.LoopEnded();
            if ((_registration.Events & direction) == 0)
                _registration.Modify(_registration.Events | direction);
        }
    }

    /// <summary>Any thread. An error (ENOMEM) leaves it reported: the next event comes here again.</summary>
    internal void Unwant(uint direction)
    {
        lock (_gate)
        {
            if ((_registration.Events & direction) != 0)
                _ = _registration.TryModify(_registration.Events & ~direction);
        }
    }

    public void Dispose()
    {
        lock (_gate)
            _registration.Dispose();
    }
}
