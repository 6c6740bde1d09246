using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using UnixLoop.Interop;
using UnixLoop.Selector;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>What is below a datagram socket: the descriptor, its readiness, one worker for each direction, and the order in which they end.</summary>
internal sealed class DatagramEngine : IReadyHandler, IDisposable
{
    private readonly UnixDatagramSocket _face;
    private readonly SafeHandle _socket;
    private readonly IDisposable _owner;
    private readonly int _descriptor;
    private readonly DatagramReadiness _readiness;
    private readonly ForgivingLogger _logger;
    private int _isClosed;

    /// <param name="face">Names itself in errors.</param>
    /// <param name="loop">Waits.</param>
    /// <param name="socket">Kept open until <see cref="Dispose"/>.</param>
    /// <param name="owner">Closes the socket, and removes its file where it has one of its own.</param>
    /// <param name="options">Valid.</param>
    internal DatagramEngine(UnixDatagramSocket face, UnixEventLoop loop, SafeHandle socket, IDisposable owner, UnixDatagramSocketOptions options)
    {
        (_face, _socket, _owner) = (face, socket, owner);
        // First: a log provider may throw where a logger is made.
        _logger = new ForgivingLogger(loop.LoggerFactory.CreateLogger(DatagramLog.Category));
        bool borrowed = false;
        socket.DangerousAddRef(ref borrowed); // who handed it in may still dispose it
        _descriptor = (int)socket.DangerousGetHandle();
        _readiness = new DatagramReadiness(loop, socket, this);
        Receiver = new DatagramReceiver(face, loop, _descriptor, _readiness, options);
        Sender = new DatagramSender(this, loop, _descriptor, _readiness, options.ContinueOnLoop);
    }

    internal DatagramReceiver Receiver { get; }

    internal DatagramSender Sender { get; }

    internal bool IsClosed => Volatile.Read(ref _isClosed) != 0;

    /// <summary>EPOLLOUT of our socket then speaks of that peer's room too.</summary>
    internal bool IsConnected => _face.RemoteAddress is not null;

    internal UnixSocketAddress AutoBind()
    {
        // An address of nothing but its family (unix(7)).
        ushort family = (ushort)AF_UNIX;
        PosixError.ThrowIfError(Libc.Bind(_descriptor, MemoryMarshal.AsBytes(new ReadOnlySpan<ushort>(in family))), "bind to a name of the kernel's choice");
        Span<byte> name = stackalloc byte[NativeAddress.MaxLength];
        return NativeAddress.Read(name, PosixError.ThrowIfError(Libc.GetSocketName(_descriptor, name), "getsockname"));
    }

    internal void Connect(UnixSocketAddress peer)
    {
        bool borrowed = false;
        try
        {
            if (IsClosed)
                throw UnixDatagramSocket.Closed();
            _socket.DangerousAddRef(ref borrowed);
            PosixError.ThrowIfError(DatagramAddress.Connect(_descriptor, peer), $"connect to '{peer}'");
        }
        finally
        {
            if (borrowed)
                _socket.DangerousRelease();
        }
    }

    internal IOException SendFailure(PosixResult sent, UnixSocketAddress? destination) => _face.SendFailure(sent, destination);

    internal void TellPeerIsFull(UnixSocketAddress? peer)
    {
        if (_logger.IsEnabled(LogLevel.Debug))
            DatagramLog.PeerFull(_logger, _face, peer ?? _face.RemoteAddress!);
    }

    public void OnReady(uint events)
    {
        if ((events & (DatagramReadiness.Readable | DatagramReadiness.Failed)) != 0)
            Receiver.OnReadableOnLoop();
        if ((events & (DatagramReadiness.Writable | DatagramReadiness.Failed)) != 0)
            Sender.OnWritableOnLoop();
    }

    public void OnLoopEnded() =>
        Close(new ObjectDisposedException(nameof(UnixEventLoop), $"The loop ended before {_face} did."));

    public void Dispose() => Close(UnixDatagramSocket.Closed());

    /// <summary>First those who use the descriptor, then EPOLL_CTL_DEL, then the file while the socket still holds its inode, then the close (linux.md, rules 3 and 25).</summary>
    private void Close(Exception reason)
    {
        if (Interlocked.Exchange(ref _isClosed, 1) != 0)
            return;
        Receiver.Close(reason);
        Sender.Close(reason);
        _readiness.Dispose();
        _socket.DangerousRelease();
        _owner.Dispose();
        DatagramLog.Closed(_logger, _face);
    }

    public override string ToString() => _face.ToString();
}
