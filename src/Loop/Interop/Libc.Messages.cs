using System.Runtime.InteropServices;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace UnixLoop.Interop;

/// <summary>Messages with addresses and with descriptors (cmsg(3), unix(7)).</summary>
internal static unsafe partial class Libc
{
    /// <summary>SCM_MAX_FD (net/scm.h): the kernel refuses a message with more descriptors, by EINVAL.</summary>
    internal const int MaxDescriptorsPerMessage = 253;

    private const int SCM_RIGHTS = 1; // linux/socket.h
    private const int SCM_PIDFD = 4;

    /// <summary>sizeof(struct cmsghdr): a size_t and two ints, on glibc and musl.</summary>
    private const int ControlHeader = 16;

    /// <summary>For what a socket that others have set up adds to each message: credentials (28 bytes), a time stamp, a pidfd.</summary>
    private const int ControlReserve = 128;

    /// <summary>sendmsg(2) of one buffer with MSG_DONTWAIT and MSG_NOSIGNAL, repeated on EINTR.</summary>
    /// <param name="descriptor">A socket.</param>
    /// <param name="data">At least one byte where there are descriptors and the socket is a stream.</param>
    /// <param name="address">struct sockaddr of the receiver; empty for the connected one.</param>
    /// <param name="descriptors">Passed by SCM_RIGHTS; at most <see cref="MaxDescriptorsPerMessage"/>.</param>
    internal static PosixResult SendMessage(int descriptor, ReadOnlySpan<byte> data, ReadOnlySpan<byte> address, ReadOnlySpan<int> descriptors)
    {
        int controlLength = descriptors.IsEmpty ? 0 : ControlHeader + (descriptors.Length * sizeof(int));
        byte* control = stackalloc byte[Align(controlLength)];
        if (controlLength > 0)
        {
            *(nint*)control = controlLength;
            *(int*)(control + sizeof(nint)) = SOL_SOCKET;
            *(int*)(control + sizeof(nint) + sizeof(int)) = SCM_RIGHTS;
            descriptors.CopyTo(new Span<int>(control + ControlHeader, descriptors.Length));
        }
        fixed (byte* d = data, a = address)
        {
            iovec vector = new() { iov_base = d, iov_len = data.Length };
            PosixResult result;
            do
            {
                msghdr message = default;
                message.msg_name = a;
                message.msg_namelen = (uint)address.Length;
                message.msg_iov = &vector;
                message.msg_iovlen = 1;
                message.msg_control = controlLength > 0 ? control : null;
                message.msg_controllen = controlLength;
                result = Faults.IsEnabled && Faults.Fails("sendmsg with parts", out PosixResult fault)
                    ? fault
                    : Call(SendMessageNumber, descriptor, (nint)(&message), SendFlags);
            }
            while (result.Errno == EINTR);
            return result;
        }
    }

    /// <summary>recvmsg(2) into one buffer with MSG_DONTWAIT and MSG_CMSG_CLOEXEC, repeated on EINTR; the result is the count of bytes in the buffer.</summary>
    /// <param name="descriptor">A socket.</param>
    /// <param name="buffer">What does not fit of a datagram is lost, and that is told.</param>
    /// <param name="address">Room for the sender's struct sockaddr; empty if nobody wants it.</param>
    /// <param name="descriptors">
    /// Room for passed descriptors, which are the caller's to close. What comes beyond that is closed and told; with no room at all
    /// the kernel installs none.
    /// </param>
    /// <param name="parts">What came with the bytes.</param>
    internal static PosixResult ReceiveMessage(int descriptor, Span<byte> buffer, Span<byte> address, Span<int> descriptors, out MessageParts parts)
    {
        parts = default;
        int room = descriptors.IsEmpty ? 0 : Align(ControlHeader + (descriptors.Length * sizeof(int))) + ControlReserve;
        byte* control = stackalloc byte[room];
        fixed (byte* b = buffer, a = address)
        {
            iovec vector = new() { iov_base = b, iov_len = buffer.Length };
            msghdr message;
            PosixResult result;
            do
            {
                message = default;
                message.msg_name = a;
                message.msg_namelen = (uint)address.Length;
                message.msg_iov = &vector;
                message.msg_iovlen = 1;
                message.msg_control = room > 0 ? control : null;
                message.msg_controllen = room;
                result = Faults.IsEnabled && Faults.Fails("recvmsg", out PosixResult fault)
                    ? fault
                    : Result(recvmsg(descriptor, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
            }
            while (result.Errno == EINTR);
            if (result.IsError)
                return result;
            parts.AddressLength = (int)message.msg_namelen;
            parts.IsTruncated = (message.msg_flags & MSG_TRUNC) != 0;
            parts.HasLostDescriptors = (message.msg_flags & MSG_CTRUNC) != 0;
            if (room > 0)
                TakeDescriptors(new ReadOnlySpan<byte>(control, (int)message.msg_controllen), descriptors, ref parts);
            return result;
        }
    }

    /// <summary>Every descriptor in the control data is given out or closed: also a pidfd that nobody asked for (SO_PASSPIDFD).</summary>
    private static void TakeDescriptors(ReadOnlySpan<byte> control, Span<int> taken, ref MessageParts parts)
    {
        while (control.Length >= ControlHeader)
        {
            int length = (int)MemoryMarshal.Read<nint>(control);
            int level = MemoryMarshal.Read<int>(control[sizeof(nint)..]);
            int type = MemoryMarshal.Read<int>(control[(sizeof(nint) + sizeof(int))..]);
            if (length < ControlHeader || length > control.Length)
                return;
            if (level == SOL_SOCKET && type is SCM_RIGHTS or SCM_PIDFD)
            {
                foreach (int received in MemoryMarshal.Cast<byte, int>(control[ControlHeader..length]))
                {
                    if (type == SCM_RIGHTS && parts.DescriptorCount < taken.Length)
                    {
                        taken[parts.DescriptorCount++] = received;
                        continue;
                    }
                    parts.HasLostDescriptors |= type == SCM_RIGHTS;
                    _ = Close(received);
                }
            }
            control = control[Math.Min(Align(length), control.Length)..];
        }
    }

    private static int Align(int length) => (length + sizeof(nint) - 1) & ~(sizeof(nint) - 1);

    /// <summary>What recvmsg(2) says beside the bytes.</summary>
    internal struct MessageParts
    {
        /// <summary>Of the sender's struct sockaddr.</summary>
        internal int AddressLength;

        /// <summary>How many descriptors were put into the caller's room.</summary>
        internal int DescriptorCount;

        /// <summary>MSG_TRUNC: the datagram was longer than the buffer.</summary>
        internal bool IsTruncated;

        /// <summary>More were sent than the caller had room for, or than this process may open (MSG_CTRUNC); they are closed.</summary>
        internal bool HasLostDescriptors;
    }

    [LibraryImport(Library, SetLastError = true)]
    private static partial nint recvmsg(int descriptor, msghdr* message, int flags);
}
