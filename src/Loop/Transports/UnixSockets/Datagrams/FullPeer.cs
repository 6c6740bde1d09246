using UnixLoop.Interop;
using UnixLoop.Selector;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>
/// A peer whose queue was full, the datagrams that wait for it, and the helper: a socket connected to that peer, whose EPOLLOUT
/// does say when there is room (linux.md, rule 27). Guarded by the sender's gate.
/// </summary>
internal sealed class FullPeer : IReadyHandler
{
    private readonly DatagramSender _sender;
    private UnixHandle? _helper;
    private SelectorRegistration? _registration;

    internal FullPeer(DatagramSender sender, UnixEventLoop loop, UnixSocketAddress address)
    {
        _sender = sender;
        Address = address;
        BackOff = new BackOff(loop, () => sender.OnRoom(this, byHelper: false));
    }

    internal UnixSocketAddress Address { get; }

    /// <summary>For waits without a helper.</summary>
    internal BackOff BackOff { get; }

    internal LinkedList<PendingSend> Waiting { get; } = [];

    internal bool HasHelper => _helper is not null;

    /// <summary>Waits for a word from the helper; false if there is none to be had, for want of descriptors, say.</summary>
    internal bool TryWaitByHelperNeedsLock(UnixEventLoop loop)
    {
        if (_helper is null && !TryConnect())
            return false;
        try
        {
            if (_registration is null)
                _registration = loop.Selector.Register(_helper!, DatagramReadiness.Writable, this);
            else
                _registration.Modify(DatagramReadiness.Writable);
            return true;
        }
        catch (IOException)
        {
            // epoll_ctl(2) wants memory or watches: the timer does without.
            DropHelperNeedsLock();
            return false;
        }
    }

    /// <summary>Nobody waits for the peer: an idle helper says nothing, and is kept for the next time.</summary>
    internal void RestNeedsLock()
    {
        BackOff.StopNeedsLock();
        SilenceHelperNeedsLock();
    }

    internal void SilenceHelperNeedsLock() => _ = _registration?.TryModify(0);

    /// <summary>EPOLL_CTL_DEL, then close.</summary>
    internal void DropHelperNeedsLock()
    {
        _registration?.Dispose();
        _registration = null;
        _helper?.Dispose();
        _helper = null;
    }

    private bool TryConnect()
    {
        PosixResult made = Libc.UnixSocket(SOCK_DGRAM);
        if (made.IsError)
            return false;
        var helper = new UnixHandle(made.IntValue);
        if (DatagramAddress.Connect(helper.Descriptor, Address).IsError)
        {
            // Whatever it is, the send itself meets it too, and tells.
            helper.Dispose();
            return false;
        }
        _helper = helper;
        return true;
    }

    public void OnReady(uint events) => _sender.OnRoom(this, byHelper: true);

    /// <summary>The socket is told by its own registration, or by its sender's next wait.</summary>
    public void OnLoopEnded() => _sender.OnLoopEnded();

    public override string ToString() => $"a helper of the sender to '{Address}'";
}
