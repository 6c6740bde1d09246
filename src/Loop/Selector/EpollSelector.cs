using System.Runtime.InteropServices;
using Tmds.Linux;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Selector;

// Constraints
//  - epoll follows the open file description, not the descriptor: a registration outlives a close() while any duplicate of
//    the description lives, and a child between vfork and exec holds one of everything (linux.md, rule 3).
//  - A batch of events that epoll_wait returned may name registrations that a callback of the same batch has removed, and
//    whose descriptor number is in use again by then.
//  - Registrations come from any thread, without waking the loop; dispatch must take no lock.
// Scheme
//  - Every registration borrows its SafeHandle: the descriptor can't be closed, nor its number be used again, before the
//    registration is gone from epoll; or, for a reaped child's pidfd, before it is gone from the table (SelectorRegistration.Abandon).
//  - epoll carries (generation, descriptor). Dispatch looks the descriptor up and drops the event if the generation differs.
//  - The table is written under _gate and read without it: an entry is published before EPOLL_CTL_ADD (rule 1), so that no
//    event can come for an entry that the loop does not see.
// Not promised: when another thread removes a registration, its handler may be running at that moment.
internal sealed unsafe class EpollSelector : IDisposable
{
    internal const int MaxEventsPerWait = 256;

    private const ulong WakeUp = ulong.MaxValue;

    private readonly UnixHandle _epoll;
    private readonly Lock _gate = new();

    /// <summary>Indexed by descriptor. Written under <see cref="_gate"/>, read by the loop without it.</summary>
    private SelectorRegistration?[] _table = new SelectorRegistration?[64];
    private uint _generation;
    private int _count;
    private bool _ended;

    internal EpollSelector() => _epoll = new UnixHandle(PosixError.ThrowIfError(Libc.EpollCreate(), "epoll_create1"));

    /// <summary>Registrations that are there now; any thread.</summary>
    internal int Count => Volatile.Read(ref _count);

    /// <summary>Registers the eventfd that ends a wait. Edge-triggered: each write is an event of its own, and nobody need read it.</summary>
    internal void RegisterWakeUp(UnixHandle eventFd) =>
        PosixError.ThrowIfError(
            Libc.EpollCtl(_epoll.Descriptor, EPOLL_CTL_ADD, eventFd.Descriptor, (uint)(EPOLLIN | EPOLLET), WakeUp),
            "epoll_ctl for the loop's eventfd");

    /// <summary>
    /// Registers from any thread and borrows the handle until the registration is disposed. With no events it is not in epoll, and
    /// told of the loop's end alone, until <see cref="SelectorRegistration.Modify"/> asks for some.
    /// </summary>
    /// <exception cref="InvalidOperationException">The descriptor is registered already; the message names the holder.</exception>
    /// <exception cref="ArgumentException">The descriptor can't be polled.</exception>
    /// <exception cref="IOException">epoll_ctl(2) failed.</exception>
    /// <exception cref="ObjectDisposedException">The loop has ended, or the handle is closed.</exception>
    internal SelectorRegistration Register(SafeHandle handle, uint events, IReadyHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handle);
        if (handle.IsInvalid)
            throw new ArgumentException("The handle holds no descriptor.", nameof(handle));

        bool borrowed = false;
        handle.DangerousAddRef(ref borrowed);
        try
        {
            int descriptor = (int)handle.DangerousGetHandle();
            lock (_gate)
            {
                SelectorRegistration registration = AddNeedsLock(handle, descriptor, events, handler);
                borrowed = false; // the registration has it now
                return registration;
            }
        }
        finally
        {
            if (borrowed)
                handle.DangerousRelease();
        }
    }

    /// <summary>ThrowIf wants the loop's type, which is above this room.</summary>
    internal static ObjectDisposedException LoopEnded() => new(nameof(UnixEventLoop));

    private SelectorRegistration AddNeedsLock(SafeHandle handle, int descriptor, uint events, IReadyHandler handler)
    {
        if (_ended)
            throw LoopEnded();
        if (descriptor < _table.Length && _table[descriptor] is { } holder)
            throw new InvalidOperationException($"Descriptor {descriptor} is already registered by {holder.Handler}.");
        if (descriptor >= _table.Length)
            GrowNeedsLock(descriptor);

        var registration = new SelectorRegistration(this, handle, descriptor, ++_generation, events, handler);
        Volatile.Write(ref _table[descriptor], registration);
        PosixResult added = events == 0 ? PosixResult.Success() : Libc.EpollCtl(_epoll.Descriptor, EPOLL_CTL_ADD, descriptor, events, registration.Key);
        // Of a registration whose EPOLL_CTL_DEL has failed: it becomes this one.
        if (added.Errno == EEXIST)
            added = Libc.EpollCtl(_epoll.Descriptor, EPOLL_CTL_MOD, descriptor, events, registration.Key);
        if (added.IsError)
        {
            Volatile.Write(ref _table[descriptor], null);
            throw added.Errno == EPERM
                ? new ArgumentException(
                    $"Descriptor {descriptor} can't be polled: epoll takes no regular files and directories (epoll_ctl(2), EPERM).",
                    nameof(handle))
                : PosixError.ToException(added, $"epoll_ctl for descriptor {descriptor}");
        }
        Volatile.Write(ref _count, _count + 1);
        return registration;
    }

    private void GrowNeedsLock(int descriptor)
    {
        var grown = new SelectorRegistration?[Math.Max(descriptor + 1, _table.Length * 2)];
        _table.CopyTo(grown, 0);
        Volatile.Write(ref _table, grown);
    }

    /// <param name="registration">One of this selector's.</param>
    /// <param name="events">What is reported from now on.</param>
    /// <param name="rearm">Whether to tell epoll where nothing changes too.</param>
    internal PosixResult TryModify(SelectorRegistration registration, uint events, bool rearm)
    {
        lock (_gate)
        {
            if (registration.IsRemoved || (registration.Events == events && !rearm))
                return PosixResult.Success();
            int operation = registration.Events == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
            PosixResult result = Libc.EpollCtl(_epoll.Descriptor, operation, registration.Descriptor, events, registration.Key);
            if (result.IsSuccess)
                registration.Events = events;
            return result;
        }
    }

    /// <param name="registration">One of this selector's.</param>
    /// <param name="leaveInEpoll">Its close(2) takes it out.</param>
    internal void Remove(SelectorRegistration registration, bool leaveInEpoll)
    {
        lock (_gate)
        {
            if (registration.IsRemoved)
                return;
            RemoveNeedsLock(registration, leaveInEpoll);
        }
        registration.Handle.DangerousRelease();
    }

    private void RemoveNeedsLock(SelectorRegistration registration, bool leaveInEpoll)
    {
        registration.IsRemoved = true;
        Volatile.Write(ref _table[registration.Descriptor], null);
        Volatile.Write(ref _count, _count - 1);
        if (registration.Events != 0 && !leaveInEpoll)
            _ = Libc.EpollCtl(_epoll.Descriptor, EPOLL_CTL_DEL, registration.Descriptor, 0, 0);
    }

    /// <summary>Waits for events; loop thread only.</summary>
    /// <param name="events">Room for <see cref="MaxEventsPerWait"/>.</param>
    /// <param name="timeoutMilliseconds">-1 waits without limit.</param>
    internal int Wait(epoll_event* events, int timeoutMilliseconds) =>
        PosixError.ThrowIfError(
            Libc.EpollWait(_epoll.Descriptor, events, MaxEventsPerWait, timeoutMilliseconds), "epoll_wait");

    /// <summary>The registration that an event is for; null for the wake-up and for one that is gone (a stale event).</summary>
    internal SelectorRegistration? Find(in epoll_event e)
    {
        ulong key = e.data.u64;
        if (key == WakeUp)
            return null;
        SelectorRegistration?[] table = Volatile.Read(ref _table);
        SelectorRegistration? registration = Volatile.Read(ref table[(int)(uint)key]);
        return registration is not null && registration.Key == key ? registration : null;
    }

    /// <summary>Refuses further registrations, takes out those that are left, and tells their handlers that the loop has ended.</summary>
    /// <param name="onFailure">Told of a handler that threw; those behind it are told of the end all the same.</param>
    internal void End(Action<SelectorRegistration, Exception> onFailure)
    {
        List<SelectorRegistration> left = [];
        lock (_gate)
        {
            _ended = true;
            foreach (SelectorRegistration? registration in _table)
            {
                if (registration is null)
                    continue;
                RemoveNeedsLock(registration, leaveInEpoll: false);
                left.Add(registration);
            }
        }
        foreach (SelectorRegistration registration in left)
        {
            try
            {
                registration.Handler.OnLoopEnded();
            }
            catch (Exception e)
            {
                onFailure(registration, e);
            }
            registration.Handle.DangerousRelease();
        }
    }

    public void Dispose() => _epoll.Dispose();
}
