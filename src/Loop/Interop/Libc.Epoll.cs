using System.Runtime.InteropServices;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace UnixLoop.Interop;

internal static unsafe partial class Libc
{
    /// <summary>epoll_create1(2) with EPOLL_CLOEXEC.</summary>
    internal static PosixResult EpollCreate()
    {
        if (Faults.IsEnabled && Faults.Fails("epoll_create1", out PosixResult fault))
            return fault;
        return Result(epoll_create1(EPOLL_CLOEXEC));
    }

    /// <summary>epoll_ctl(2). The caller keeps both descriptors alive for the length of the call.</summary>
    internal static PosixResult EpollCtl(int epoll, int operation, int descriptor, uint events, ulong data)
    {
        if (Faults.IsEnabled && Faults.Fails(EpollCtlName(operation), out PosixResult fault))
            return fault;
        epoll_event e = default;
        e.events = (int)events;
        e.data.u64 = data;
        return Call(EpollCtlNumber, epoll, operation, descriptor, (nint)(&e));
    }

    private static string EpollCtlName(int operation) =>
        operation == EPOLL_CTL_ADD ? "epoll_ctl EPOLL_CTL_ADD"
        : operation == EPOLL_CTL_MOD ? "epoll_ctl EPOLL_CTL_MOD"
        : "epoll_ctl EPOLL_CTL_DEL";

    /// <summary>epoll_wait(2); a wait that a signal cut short (EINTR) reports no events: the caller's deadline is absolute.</summary>
    internal static PosixResult EpollWait(int epoll, epoll_event* events, int maxEvents, int timeoutMilliseconds)
    {
        if (Faults.IsEnabled && Faults.Fails("epoll_wait", out PosixResult fault))
            return fault.Errno == EINTR ? PosixResult.Success() : fault;
        PosixResult result = Call(EpollWaitNumber, epoll, (nint)events, maxEvents, timeoutMilliseconds);
        return result.Errno == EINTR ? PosixResult.Success() : result;
    }

    /// <summary>eventfd(2), non-blocking and close-on-exec.</summary>
    internal static PosixResult EventFd()
    {
        if (Faults.IsEnabled && Faults.Fails("eventfd", out PosixResult fault))
            return fault;
        return Result(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    }

    /// <summary>
    /// eventfd_write(3) of 1, repeated on EINTR. A full counter (EAGAIN), which takes 2^64 writes that nobody read, is emptied
    /// first: what waits for an edge would see none.
    /// </summary>
    internal static PosixResult EventFdWrite(int descriptor)
    {
        ulong one = 1;
        while (true)
        {
            PosixResult result = Faults.IsEnabled && Faults.Fails("eventfd_write", out PosixResult fault)
                ? fault
                : Call(WriteNumber, descriptor, (nint)(&one), sizeof(ulong));
            if (result.Errno == EAGAIN)
                _ = EventFdRead(descriptor);
            else if (result.Errno != EINTR)
                return result;
        }
    }

    /// <summary>eventfd_read(3): sets the counter to 0. EAGAIN if it is 0 already.</summary>
    internal static PosixResult EventFdRead(int descriptor)
    {
        ulong count;
        PosixResult result;
        do
        {
            result = Faults.IsEnabled && Faults.Fails("eventfd_read", out PosixResult fault)
                ? fault
                : Call(ReadNumber, descriptor, (nint)(&count), sizeof(ulong));
        }
        while (result.Errno == EINTR);
        return result;
    }

    [LibraryImport(Library, SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int eventfd(uint value, int flags);
}
