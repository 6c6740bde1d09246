using Tmds.Linux;
using UnixLoop.Interop;
using UnixLoop.Selector;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.Pipes;

// Constraints (linux.md, rule 20)
//  - Descriptors 0, 1 and 2 share their description with other processes, so that O_NONBLOCK can't be set; and some descriptions
//    can't be had anew: a terminal of another user (EACCES), a pipe without a reader (ENXIO).
//  - A read(2) or write(2) on them waits, and nothing ends it from outside.
// Scheme
//  - A thread waits in poll(2) for the descriptor and for an eventfd that says stop, and only then reads, or writes at most
//    4,096 bytes, which poll's answer covers for a pipe (PIPE_BUF).
//  - A regular file never makes poll wait, and epoll refuses it: the thread pool reads it, in larger blocks.
//  - The eventfd is registered in the loop too, though nothing is expected of it: so the loop's end is told.
// Not promised: where another process takes the bytes between poll and read, the thread waits in read(2). Closing does not wait
// for it; the bytes that it then gets are lost.
/// <summary>What the engines without epoll share: who runs, how it waits, and how it is stopped.</summary>
internal sealed unsafe class BlockingTurn : IDisposable
{
    internal const int BytesPerCall = 4096;

    private readonly PipeEnd _end;
    private readonly UnixHandle _stop;
    private readonly short _wanted;
    private SelectorRegistration? _registration;

    internal BlockingTurn(PipeEnd end, bool onThread, PipeUse use)
    {
        _end = end;
        OnThread = onThread;
        _wanted = (short)(use == PipeUse.Read ? POLLIN : POLLOUT);
        _stop = new UnixHandle(PosixError.ThrowIfError(Libc.EventFd(), "eventfd for a standard stream"));
    }

    internal bool OnThread { get; }

    /// <summary>Bytes that one read or write may be asked for.</summary>
    internal int MostBytes => OnThread ? BytesPerCall : PipeDefaults.ReadBlock;

    internal void Start(UnixEventLoop loop, IReadyHandler handler, Func<Task> run, string name)
    {
        try
        {
            _registration = loop.Selector.Register(_stop, (uint)EPOLLIN, handler);
            if (OnThread)
                new Thread(() => run().GetAwaiter().GetResult()) { Name = name, IsBackground = true }.Start();
            else
                _ = Task.Run(run);
        }
        catch
        {
            _registration?.Dispose();
            _stop.Dispose();
            throw;
        }
    }

    /// <summary>False when it is time to stop. At once for a file.</summary>
    internal bool WaitUntilReady()
    {
        if (!OnThread)
            return true;
        pollfd* descriptors = stackalloc pollfd[2];
        descriptors[0] = new pollfd { fd = _end.Descriptor, events = _wanted };
        descriptors[1] = new pollfd { fd = _stop.Descriptor, events = (short)POLLIN };
        while (true)
        {
            descriptors[0].revents = descriptors[1].revents = 0;
            PosixError.ThrowIfError(Libc.Poll(descriptors, 2, -1), "poll of a standard stream");
            if (descriptors[1].revents != 0)
                return false;
            if (descriptors[0].revents != 0)
                return true;
        }
    }

    /// <summary>Ends a wait, from any thread, while the runner still runs. The loop is told no more.</summary>
    internal void Stop()
    {
        _registration?.Dispose();
        PosixResult told = Libc.EventFdWrite(_stop.Descriptor);
        if (told.IsError)
            throw PosixError.ToException(told, "write to a standard stream's eventfd");
    }

    /// <summary>By the runner, last: only now is nobody in a call on the descriptor.</summary>
    public void Dispose()
    {
        _registration?.Dispose();
        _stop.Dispose();
        _end.Close();
    }
}
