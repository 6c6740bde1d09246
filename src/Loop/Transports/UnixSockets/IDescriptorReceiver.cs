using UnixLoop.Interop;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>Reads in place of recv(2), to take descriptors too (SCM_RIGHTS, unix(7)). Called under the input's lock.</summary>
internal interface IDescriptorReceiver
{
    /// <summary>recvmsg(2) with MSG_DONTWAIT and MSG_CMSG_CLOEXEC; on the loop.</summary>
    /// <param name="socket">The descriptor.</param>
    /// <param name="room">Where the bytes go.</param>
    /// <param name="position">How many bytes the connection has read before: what comes with these bytes belongs there.</param>
    PosixResult Receive(int socket, Span<byte> room, long position);

    /// <summary>Nothing can come any more, or nobody will read it; at most once for each reason, on any thread.</summary>
    /// <param name="isAbandoned">The reader has completed, or the connection was aborted or disposed: what was not taken is to be closed.</param>
    void OnEnded(bool isAbandoned);
}
