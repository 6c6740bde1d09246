using System.Runtime.InteropServices;
using UnixLoop.Interop;

namespace UnixLoop.Selector;

/// <summary>One descriptor's place in the selector. Borrows the handle until it is disposed.</summary>
internal sealed class SelectorRegistration(
    EpollSelector selector, SafeHandle handle, int descriptor, uint generation, uint events, IReadyHandler handler) : IDisposable
{
    internal SafeHandle Handle { get; } = handle;

    internal int Descriptor { get; } = descriptor;

    internal IReadyHandler Handler { get; } = handler;

    /// <summary>What epoll carries: the generation tells this registration from an earlier one of the same descriptor.</summary>
    internal ulong Key { get; } = ((ulong)generation << 32) | (uint)descriptor;

    /// <summary>The registered events; 0 while paused. Written under the selector's gate, at its owner's request alone: the owner may read it.</summary>
    internal uint Events { get; set; } = events;

    /// <summary>Guarded by the selector's gate.</summary>
    internal bool IsRemoved { get; set; }

    /// <summary>
    /// Changes the events, from any thread. Zero takes the descriptor out of epoll until the next change: an empty mask would
    /// go on reporting EPOLLHUP and EPOLLERR (linux.md, rule 2). Who wants just those registers EPOLLERR.
    /// </summary>
    /// <exception cref="IOException">epoll_ctl(2) failed; the events are as before.</exception>
    internal void Modify(uint events) => ThrowIfError(TryModify(events));

    /// <summary>
    /// As <see cref="Modify"/>, also for the events that are registered: with EPOLLET among them, what is there now is reported once
    /// more (EPOLL_CTL_MOD, epoll_ctl(2)).
    /// </summary>
    /// <exception cref="IOException">epoll_ctl(2) failed; the events are as before.</exception>
    internal void Rearm(uint events) => ThrowIfError(selector.TryModify(this, events, rearm: true));

    /// <summary>As <see cref="Modify"/>; an error leaves the events as they were.</summary>
    internal PosixResult TryModify(uint events) => selector.TryModify(this, events, rearm: false);

    /// <summary>EPOLL_CTL_DEL, then lets go of the handle; idempotent, any thread. On the loop's thread no further event comes.</summary>
    public void Dispose() => selector.Remove(this, leaveInEpoll: false);

    /// <summary>
    /// <see cref="Dispose"/> without EPOLL_CTL_DEL, for the pidfd of a reaped child: the reap is the last that it reports, which is
    /// dropped as stale, and its close(2) takes it out of epoll (linux.md, rule 3).
    /// </summary>
    internal void Abandon() => selector.Remove(this, leaveInEpoll: true);

    /// <summary>The message is made for a failure alone: pumps change their events for every write.</summary>
    private void ThrowIfError(PosixResult modified)
    {
        if (modified.IsError)
            throw PosixError.ToException(modified, $"epoll_ctl for descriptor {Descriptor}");
    }
}
