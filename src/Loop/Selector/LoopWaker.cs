using UnixLoop.Interop;

namespace UnixLoop.Selector;

// A poster must wake a loop that sleeps, and should make no syscall for one that does not.
//   loop:   sleeping = 1; full fence; look at the queue again; epoll_wait; sleeping = 0
//   poster: claim a place in the queue; full fence; if sleeping: take the flag, and who took it writes the eventfd
// Either the loop sees the post or the poster sees the flag. The eventfd is registered edge-triggered, and nobody reads it.
internal sealed class LoopWaker : IDisposable
{
    private readonly UnixHandle _eventFd = new(PosixError.ThrowIfError(Libc.EventFd(), "eventfd"));
    private int _sleeping;

    internal UnixHandle EventFd => _eventFd;

    /// <summary>Announces the wait, with a full fence; loop thread only.</summary>
    internal void GoToSleep() => Interlocked.Exchange(ref _sleeping, 1);

    /// <summary>The wait is over, or not needed; loop thread only. Leaves the flag's cache line to the posters where nothing was announced.</summary>
    internal void StayAwake()
    {
        if (Volatile.Read(ref _sleeping) != 0)
            Volatile.Write(ref _sleeping, 0);
    }

    /// <summary>Ends a wait that is going on or about to begin. The caller has published its work and passed a full fence.</summary>
    internal void Wake()
    {
        if (Volatile.Read(ref _sleeping) != 0 && Interlocked.Exchange(ref _sleeping, 0) != 0)
            WriteEventFd();
    }

    private void WriteEventFd()
    {
        bool borrowed = false;
        try
        {
            _eventFd.DangerousAddRef(ref borrowed);
            PosixResult written = Libc.EventFdWrite(_eventFd.Descriptor);
            if (written.IsError)
                throw PosixError.ToException(written, "write to the loop's eventfd");
        }
        catch (ObjectDisposedException)
        {
            // The loop ended after the post was taken: it has run, nobody is left to wake.
        }
        finally
        {
            if (borrowed)
                _eventFd.DangerousRelease();
        }
    }

    public void Dispose() => _eventFd.Dispose();
}
