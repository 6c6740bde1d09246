using UnixLoop.Interop;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>Descriptors that go with the first byte of a write on a stream.</summary>
internal sealed class AttachedDescriptors(BorrowedDescriptors descriptors) : IAttachedDescriptors
{
    public PosixResult Send(int socket, ReadOnlySpan<byte> data) => Libc.SendMessage(socket, data, [], descriptors.Numbers);

    public void Release() => descriptors.Dispose();
}
