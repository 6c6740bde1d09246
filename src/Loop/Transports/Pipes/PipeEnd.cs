using System.Buffers;
using System.Runtime.InteropServices;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.Pipes;

// How the peer's close shows on an end that is only written (linux.md, rule 21; measured on Linux 6.18):
//  - pipe, FIFO: EPOLLERR, which needs no asking;
//  - AF_UNIX: EPOLLHUP, which comes when both directions are down, as the peer's close makes them. EPOLLRDHUP alone says that
//    nothing will come *in* any more. A service's standard output is such a socket from the start: systemd shuts its receiving
//    side down, and nobody has gone;
//  - other sockets: EPOLLRDHUP. A peer that shuts down its sending side and reads on can't be told from one that has gone;
//  - a pseudo-terminal: EPOLLHUP; other devices: nothing.
// Never EPOLLIN: a peer may well send, and somebody type.
/// <summary>A descriptor with what is known of it. Its owner is the pump that it was given to.</summary>
internal readonly struct PipeEnd
{
    private static readonly uint ErrorOrHangUp = (uint)(EPOLLERR | EPOLLHUP);
    private static readonly uint ReceivingEnded = (uint)EPOLLRDHUP;

    private readonly PipeEndKind _kind;

    internal PipeEnd(SafeHandle handle, PipeEndKind kind)
    {
        Handle = handle;
        Descriptor = (int)handle.DangerousGetHandle();
        _kind = kind;
    }

    internal SafeHandle Handle { get; }

    internal int Descriptor { get; }

    internal bool IsPipe => _kind == PipeEndKind.Pipe;

    internal bool IsSocket => _kind is PipeEndKind.UnixSocket or PipeEndKind.Socket;

    /// <summary>Whether the kernel never makes anybody wait for it, and epoll refuses it.</summary>
    internal bool IsFile => _kind == PipeEndKind.File;

    /// <summary>What a write end has registered while there is nothing to write; 0 for nothing.</summary>
    internal uint PeerGoneEvents => _kind switch
    {
        PipeEndKind.Socket => ErrorOrHangUp | ReceivingEnded,
        PipeEndKind.Device or PipeEndKind.File => 0,
        _ => ErrorOrHangUp,
    };

    public static implicit operator PipeEnd(UnixHandle pipe) => new(pipe, PipeEndKind.Pipe);

    /// <summary>Whether <paramref name="events"/>, as reported for a write end, say that nobody reads any more.</summary>
    internal bool IsPeerGone(uint events) => (events & (PeerGoneEvents | ErrorOrHangUp)) != 0;

    /// <summary>Never waits: a socket by MSG_DONTWAIT, all else because its description has O_NONBLOCK.</summary>
    internal PosixResult Read(Span<byte> room) => IsSocket ? Libc.Receive(Descriptor, room) : Libc.Read(Descriptor, room);

    /// <inheritdoc cref="Read"/>
    internal PosixResult Write(in ReadOnlySequence<byte> bytes) => GatheredWrite.Write(Descriptor, IsSocket, bytes);

    /// <summary>"pipe"; for the name of an end that has no other.</summary>
    internal string ToName() => PipeInspection.NameOf(_kind);

    internal void Close() => Handle.Dispose();

    /// <summary>"descriptor 5"; "descriptor (closed)".</summary>
    public override string ToString() => Handle.IsClosed ? "descriptor (closed)" : $"descriptor {Descriptor}";
}
