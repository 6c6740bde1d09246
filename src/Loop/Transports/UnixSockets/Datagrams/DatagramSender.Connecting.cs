using UnixLoop.Interop;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>connect(2), which may come while datagrams wait for the peer of before.</summary>
internal sealed partial class DatagramSender
{
    /// <summary>Between two sends: what waits for the peer of before stays for that one.</summary>
    internal void Connect(UnixSocketAddress peer)
    {
        EndedSends ended = default;
        lock (_gate)
        {
            ThrowIfClosedNeedsLock();
            PosixError.ThrowIfError(DatagramAddress.Connect(_socket, peer), $"connect to '{peer}'");
            UnixSocketAddress? before = _engine.RemoteAddress;
            _engine.RemoteAddress = peer;
            if (_toPeer.Count > 0 && !peer.Equals(before))
                SendToNeedsLock(before, ref ended);
        }
        ended.Complete(_loop, isOnLoop: false);
    }

    /// <summary>What waits for the connected peer is for <paramref name="destination"/> by name from now on; one without a name can't be sent to.</summary>
    private void SendToNeedsLock(UnixSocketAddress? destination, ref EndedSends ended)
    {
        if (destination is null or { IsUnnamed: true })
        {
            EndAllNeedsLock(_toPeer, new IOException("Not sent: the socket was connected to another peer while this one, which has no name to send to, had no room."), ref ended);
            return;
        }
        FullPeer peer = FullPeerOfNeedsLock(destination);
        bool isFirst = peer.Waiting.Count == 0;
        while (_toPeer.First is { } first)
        {
            _toPeer.RemoveFirst();
            first.Value.Redirect(destination);
            peer.Waiting.AddLast(first);
        }
        if (!isFirst)
            return;
        _idleHelpers.Remove(peer);
        ResumeNeedsLock(peer, ref ended, mayAskHelper: true);
    }
}
