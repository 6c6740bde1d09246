using UnixLoop.Interop;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>Descriptors that travel with a segment's first byte (SCM_RIGHTS, unix(7)). Called under the output's lock, on any thread.</summary>
internal interface IAttachedDescriptors
{
    /// <summary>sendmsg(2) of <paramref name="data"/> with the descriptors, MSG_DONTWAIT and MSG_NOSIGNAL; they go with the first byte that the kernel takes.</summary>
    PosixResult Send(int socket, ReadOnlySpan<byte> data);

    /// <summary>They have been sent, or never will be; exactly once.</summary>
    void Release();
}
