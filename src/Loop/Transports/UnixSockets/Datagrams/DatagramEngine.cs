using System.IO.Pipelines;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using UnixLoop.Interop;
using UnixLoop.Selector;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>
/// What is below a datagram socket: the descriptor, its names, its readiness, one worker for each direction, and the order in which they end. The selector
/// holds this, and not the object that the user has, so that that can be found forgotten.
/// </summary>
internal sealed class DatagramEngine : IReadyHandler, IDisposable
{
    private readonly SafeHandle _socket;
    private readonly IDisposable _owner;
    private readonly int _descriptor;
    private readonly DatagramReadiness _readiness = new();
    private readonly ForgivingLogger _logger;
    private volatile UnixSocketAddress _localAddress = UnixSocketAddress.Unnamed;
    private volatile UnixSocketAddress? _remoteAddress;
    private int _isClosed;

    /// <param name="loop">Waits.</param>
    /// <param name="socket">Kept open until <see cref="Dispose"/>.</param>
    /// <param name="owner">Closes the socket, and removes its file where it has one of its own.</param>
    /// <param name="options">Valid.</param>
    internal DatagramEngine(UnixEventLoop loop, SafeHandle socket, IDisposable owner, UnixDatagramSocketOptions options)
    {
        (_socket, _owner) = (socket, owner);
        // First: a log provider may throw where a logger is made.
        _logger = new ForgivingLogger(loop.LoggerFactory.CreateLogger(DatagramLog.Category));
        bool borrowed = false;
        socket.DangerousAddRef(ref borrowed); // who handed it in may still dispose it
        _descriptor = (int)socket.DangerousGetHandle();
        PipeScheduler scheduler = options.ContinueOnLoop ? PipeScheduler.Inline : PipeScheduler.ThreadPool;
        Receiver = new DatagramReceiver(this, loop, _descriptor, _readiness, scheduler, options.MaxDescriptors);
        Sender = new DatagramSender(this, loop, _descriptor, _readiness, scheduler);
        try
        {
            // Last: the loop may call, or end, before this returns.
            _readiness.Register(loop, socket, this);
        }
        catch
        {
            socket.DangerousRelease();
            throw;
        }
    }

    internal DatagramReceiver Receiver { get; }

    internal DatagramSender Sender { get; }

    internal bool IsClosed => Volatile.Read(ref _isClosed) != 0;

    /// <summary>EPOLLOUT of our socket then speaks of that peer's room too.</summary>
    internal bool IsConnected => _remoteAddress is not null;

    internal UnixSocketAddress LocalAddress { get => _localAddress; set => _localAddress = value; }

    internal UnixSocketAddress? RemoteAddress { get => _remoteAddress; set => _remoteAddress = value; }

    internal void Connect(UnixSocketAddress peer)
    {
        bool borrowed = false;
        try
        {
            if (IsClosed)
                throw UnixDatagramSocket.Closed();
            _socket.DangerousAddRef(ref borrowed);
            Sender.Connect(peer);
        }
        finally
        {
            if (borrowed)
                _socket.DangerousRelease();
        }
    }

    /// <summary>The kernel takes a peer that has gone off a connected socket at the first send: that is no other error than before.</summary>
    internal IOException SendFailure(PosixResult sent, UnixSocketAddress? destination)
    {
        bool hasGone = sent.Errno == ENOTCONN && destination is null;
        return PosixError.ToException(hasGone ? PosixResult.Failure(ECONNREFUSED) : sent, $"send to '{destination ?? _remoteAddress}'");
    }

    internal void TellPeerIsFull(UnixSocketAddress? peer)
    {
        if (_logger.IsEnabled(LogLevel.Debug))
            DatagramLog.PeerFull(_logger, this, peer ?? _remoteAddress!);
    }

    public void OnReady(uint events)
    {
        if ((events & (DatagramReadiness.Readable | DatagramReadiness.Failed)) != 0)
            Receiver.OnReadableOnLoop();
        if ((events & (DatagramReadiness.Writable | DatagramReadiness.Failed)) != 0)
            Sender.OnWritableOnLoop();
    }

    public void OnLoopEnded() =>
        Close(new ObjectDisposedException(nameof(UnixEventLoop), $"The loop ended before {this} did."));

    public void Dispose() => Close(UnixDatagramSocket.Closed());

    /// <summary>From the finalizer's thread: the user's object was dropped. No I/O here: that is for the thread pool.</summary>
    internal void OnDropped()
    {
        if (!IsClosed)
            ThreadPool.UnsafeQueueUserWorkItem(static engine => engine.CloseDropped(), this, preferLocal: false);
    }

    private void CloseDropped()
    {
        if (IsClosed)
            return;
        DatagramLog.Leaked(_logger, this);
        Dispose();
    }

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
        DatagramLog.Closed(_logger, this);
    }

    public override string ToString() =>
        $"{nameof(UnixDatagramSocket)} '{_localAddress}'{(_remoteAddress is { } remote ? $" → '{remote}'" : "")} ({(IsClosed ? "closed" : "open")})";
}
