using Microsoft.Win32.SafeHandles;

namespace UnixLoop.Transports;

/// <summary>One datagram: what <see cref="UnixDatagramSocket.ReceiveAsync"/> has put into the buffer, and from whom. A datagram may be empty.</summary>
public readonly struct UnixDatagramReceiveResult
{
    internal UnixDatagramReceiveResult(
        int length, bool isTruncated, UnixSocketAddress sender, IReadOnlyList<SafeFileHandle> descriptors, bool hasLostDescriptors)
    {
        (Length, IsTruncated, Sender, Descriptors, HasLostDescriptors) = (length, isTruncated, sender, descriptors, hasLostDescriptors);
    }

    /// <summary>How many bytes are in the buffer; 0 for an empty datagram.</summary>
    public int Length { get; }

    /// <summary>Whether the datagram was longer than the buffer: what did not fit is lost (recvmsg(2), MSG_TRUNC).</summary>
    public bool IsTruncated { get; }

    /// <summary>
    /// The name that the sender bound, to which an answer may be sent; <see cref="UnixSocketAddress.IsUnnamed"/> if it bound none.
    /// It is what the kernel was told at that bind: a relative path counts from the sender's directory.
    /// </summary>
    public UnixSocketAddress Sender { get; }

    /// <summary>The descriptors that came with it, close-on-exec; the receiver disposes them. Empty unless <see cref="UnixDatagramSocketOptions.MaxDescriptors"/> was set.</summary>
    public IReadOnlyList<SafeFileHandle> Descriptors { get; }

    /// <summary>
    /// Whether more descriptors were sent than <see cref="UnixDatagramSocketOptions.MaxDescriptors"/>, or than this process may open
    /// (recvmsg(2), MSG_CTRUNC); the surplus is closed.
    /// </summary>
    public bool HasLostDescriptors { get; }
}
