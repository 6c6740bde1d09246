using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

// connect(2) of AF_UNIX never is "in progress": it succeeds or fails at once. Only where the listener's queue is full would it
// wait, which for a non-blocking socket is EAGAIN, and no event ever tells of room (unix(7)). So that is tried again, with pauses.
internal static class SocketConnector
{
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMilliseconds(100);

    /// <summary>A connected socket; on any throw it is closed.</summary>
    internal static async Task<UnixHandle> ConnectAsync(UnixEventLoop loop, UnixSocketAddress address, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using NativeAddress native = Resolve(address);
        var socket = new UnixHandle(PosixError.ThrowIfError(Libc.UnixSocket(SOCK_STREAM), $"socket for a connection to {address}"));
        try
        {
            TimeSpan pause = s_firstPause;
            PosixResult connected;
            while ((connected = Libc.Connect(socket.Descriptor, native.Bytes)).Errno == EAGAIN)
            {
                ObjectDisposedException.ThrowIf(loop.HasEnded, loop);
                await Task.Delay(pause, loop.Clock, cancellationToken).ConfigureAwait(false);
                pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause;
            }
            return connected.IsSuccess ? socket : throw Failure(connected, address);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static NativeAddress Resolve(UnixSocketAddress address)
    {
        PosixResult resolved = NativeAddress.TryForPeer(address, out NativeAddress? native);
        return resolved.IsSuccess ? native! : throw Failure(resolved, address);
    }

    private static IOException Failure(PosixResult result, UnixSocketAddress address) =>
        new($"{PosixError.Name(result.Errno)}: connect to {address}: {Reason(result.Errno, address)}", result.Errno);

    private static string Reason(int errno, UnixSocketAddress address) =>
        errno == ECONNREFUSED ? address.IsAbstract ? "nobody listens by this name" : "nobody listens there (a file may be left by a server that has gone)"
        : errno == ENOENT ? "no such file"
        : errno == EACCES ? "no write permission for the socket, or no search permission for a directory of its path"
        : errno == EPROTOTYPE ? "the socket there is not a stream socket"
        : PosixError.Message(errno);
}
