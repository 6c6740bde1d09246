using Tmds.Linux;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.Pipes;

// Descriptors 0, 1 and 2 are shared with whoever started us and with its other children: their flags are not ours to change
// (linux.md, rule 20). So:
//  - a socket's calls have a flag for not waiting: a duplicate will do;
//  - a pipe, FIFO or terminal is opened again through /proc/self/fd, which gives a description of our own, non-blocking from birth;
//  - where that is refused, and for other devices, a thread waits;
//  - what never makes anybody wait (files, /dev/null) is for the thread pool.
// A FIFO that is opened again after its last writer has gone never reports that: epoll tells a reader of the writers since its own
// open alone (fs/pipe.c, pipe_poll). The inherited description still reports it, so that the thread can wait on a duplicate.
/// <summary>Opens one of our own standard streams for a pipe of its own, and leaves the descriptor as it was.</summary>
internal readonly struct OwnStream
{
    private const int PseudoTerminalMasters = 5, PseudoTerminalMaster = 2; // /dev/ptmx: opening it makes a new terminal

    private OwnStream(PipeEnd end, bool onThread, string? reason)
    {
        End = end;
        OnThread = onThread;
        ReasonForThread = reason;
    }

    /// <summary>An end that is not one of them, and is served as its kind says.</summary>
    internal OwnStream(PipeEnd end)
        : this(end, onThread: false, reason: null)
    {
    }

    internal PipeEnd End { get; }

    internal bool OnThread { get; }

    /// <summary>Why there is no description of our own: an errno's name, or what else keeps epoll from serving it.</summary>
    internal string? ReasonForThread { get; }

    /// <exception cref="IOException">It is closed, or there is no descriptor left; the message names the errno.</exception>
    /// <exception cref="InvalidOperationException">It is nothing to read or write; the message says what it is.</exception>
    internal static OwnStream Open(int number, PipeUse use, string name)
    {
        DescriptorStatus status = PipeInspection.Stat(number, name);
        if (!PipeInspection.IsOpenFor(number, use))
            throw new InvalidOperationException($"{name} (descriptor {number}) is not open for {(use == PipeUse.Read ? "reading" : "writing")}.");
        PipeEndKind kind = status.Type is Libc.RegularFile or Libc.BlockDevice
            ? PipeEndKind.File
            : PipeInspection.KindOf(number, status)
                ?? throw new InvalidOperationException($"{name} (descriptor {number}) is {PipeInspection.NameOf(status)}, which has no stream of bytes.");
        return kind switch
        {
            PipeEndKind.Pipe => Reopen(number, use, name, kind),
            PipeEndKind.Terminal when status is not { Major: PseudoTerminalMasters, Minor: PseudoTerminalMaster } => Reopen(number, use, name, kind),
            PipeEndKind.Terminal => new(Duplicate(number, name, kind), onThread: true, "the master of a terminal"),
            PipeEndKind.Device => new(Duplicate(number, name, kind), onThread: true, "a device that is no terminal"),
            _ => new(Duplicate(number, name, kind), onThread: false, null),
        };
    }

    private static OwnStream Reopen(int number, PipeUse use, string name, PipeEndKind kind)
    {
        PosixResult opened = Libc.Open($"/proc/self/fd/{number}", (use == PipeUse.Read ? O_RDONLY : O_WRONLY) | O_NONBLOCK);
        if (opened.IsError)
        {
            // Without descriptors or memory a duplicate can't be had either, and says so.
            return new(Duplicate(number, name, kind), onThread: true, opened.ToString());
        }
        var handle = new UnixHandle(opened.IntValue);
        if (use == PipeUse.Write || !HasHungUp(number) || HasHungUp(handle.Descriptor))
            return new(new PipeEnd(handle, kind), onThread: false, null);
        handle.Dispose();
        return new(Duplicate(number, name, kind), onThread: true, "its writers had gone before");
    }

    private static PipeEnd Duplicate(int number, string name, PipeEndKind kind) =>
        new(new UnixHandle(PosixError.ThrowIfError(Libc.Fcntl(number, F_DUPFD_CLOEXEC), $"fcntl F_DUPFD_CLOEXEC of {name}")), kind);

    private static unsafe bool HasHungUp(int descriptor)
    {
        pollfd asked = new() { fd = descriptor };
        return Libc.Poll(&asked, 1, 0).IsSuccess && (asked.revents & POLLHUP) != 0;
    }
}
