using System.Runtime.InteropServices;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace UnixLoop.Interop;

internal static unsafe partial class Libc
{
    /// <summary>No call waits, whatever the description's O_NONBLOCK says, and a peer that is gone is EPIPE without SIGPIPE (send(2)).</summary>
    private static readonly int SendFlags = MSG_DONTWAIT | MSG_NOSIGNAL;

    /// <summary>socket(2) of AF_UNIX, non-blocking and close-on-exec.</summary>
    internal static PosixResult UnixSocket(int type)
    {
        if (Faults.IsEnabled && Faults.Fails("socket", out PosixResult fault))
            return fault;
        return Result(socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    }

    /// <summary>socketpair(2) of AF_UNIX, non-blocking and close-on-exec.</summary>
    internal static PosixResult UnixSocketPair(int type, out int first, out int second)
    {
        first = second = -1;
        if (Faults.IsEnabled && Faults.Fails("socketpair", out PosixResult fault))
            return fault;
        int* pair = stackalloc int[2];
        PosixResult result = Result(socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair));
        if (result.IsSuccess)
            (first, second) = (pair[0], pair[1]);
        return result;
    }

    /// <summary>connect(2), repeated on EINTR: on AF_UNIX an interrupted call has connected nothing (it waits for the listener's queue before).</summary>
    internal static PosixResult Connect(int descriptor, ReadOnlySpan<byte> address)
    {
        fixed (byte* a = address)
        {
            PosixResult result;
            do
            {
                result = Faults.IsEnabled && Faults.Fails("connect", out PosixResult fault)
                    ? fault
                    : Result(connect(descriptor, a, (uint)address.Length));
            }
            while (result.Errno == EINTR);
            return result;
        }
    }

    /// <summary>recv(2) with MSG_DONTWAIT, repeated on EINTR.</summary>
    internal static PosixResult Receive(int descriptor, Span<byte> buffer)
    {
        int count = buffer.Length;
        fixed (byte* b = buffer)
        {
            PosixResult result;
            do
            {
                result = Faults.IsEnabled && Faults.Fails("recv", ref count, out PosixResult fault)
                    ? fault
                    : Call(ReceiveFromNumber, descriptor, (nint)b, count, MSG_DONTWAIT);
            }
            while (result.Errno == EINTR);
            return result;
        }
    }

    /// <summary>send(2) with MSG_DONTWAIT and MSG_NOSIGNAL, repeated on EINTR.</summary>
    internal static PosixResult Send(int descriptor, ReadOnlySpan<byte> buffer)
    {
        int count = buffer.Length;
        fixed (byte* b = buffer)
        {
            PosixResult result;
            do
            {
                result = Faults.IsEnabled && Faults.Fails("send", ref count, out PosixResult fault)
                    ? fault
                    : Call(SendToNumber, descriptor, (nint)b, count, SendFlags);
            }
            while (result.Errno == EINTR);
            return result;
        }
    }

    /// <summary>sendmsg(2) of several buffers with MSG_DONTWAIT and MSG_NOSIGNAL, repeated on EINTR.</summary>
    /// <param name="descriptor">A connected socket.</param>
    /// <param name="vector">Changed where a fault plan cuts the write short.</param>
    /// <param name="count">At most IOV_MAX (1,024).</param>
    internal static PosixResult SendGathered(int descriptor, iovec* vector, int count)
    {
        int bytes = Faults.IsEnabled ? LengthOf(vector, count) : 0;
        PosixResult result;
        do
        {
            msghdr message = default;
            message.msg_iov = vector;
            message.msg_iovlen = Faults.IsEnabled ? Cut(vector, bytes) : count;
            result = Faults.IsEnabled && Faults.Fails("sendmsg", ref bytes, out PosixResult fault)
                ? fault
                : Call(SendMessageNumber, descriptor, (nint)(&message), SendFlags);
        }
        while (result.Errno == EINTR);
        return result;
    }

    /// <summary>shutdown(2).</summary>
    internal static PosixResult Shutdown(int descriptor, int how)
    {
        if (Faults.IsEnabled && Faults.Fails("shutdown", out PosixResult fault))
            return fault;
        return Result(shutdown(descriptor, how));
    }

    [LibraryImport(Library, SetLastError = true)]
    private static partial int socket(int domain, int type, int protocol);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int socketpair(int domain, int type, int protocol, int* pair);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int connect(int descriptor, byte* address, uint length);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int shutdown(int descriptor, int how);
}
