using System.Text;
using UnixLoop.Interop;
using UnixLoop.Transports.UnixSockets;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets.Listening;

/// <summary>Sockets as another program would make them, knowing nothing of our locks.</summary>
internal static class RawSocket
{
    internal static UnixHandle New(int type) => new(PosixError.ThrowIfError(Libc.UnixSocket(type), "socket"));

    internal static UnixHandle Bound(string path, int? type = null)
    {
        UnixHandle socket = New(type ?? SOCK_STREAM);
        PosixError.ThrowIfError(Libc.Bind(socket.Descriptor, Address(path)), $"bind {path}");
        return socket;
    }

    internal static UnixHandle Listening(string path, int backlog = 10)
    {
        UnixHandle socket = Bound(path);
        PosixError.ThrowIfError(Libc.Listen(socket.Descriptor, backlog), "listen");
        return socket;
    }

    /// <summary>What a server leaves behind that was killed.</summary>
    internal static void LeaveStale(string path) => Bound(path).Dispose();

    internal static PosixResult TryConnect(UnixHandle socket, string path) => Libc.Connect(socket.Descriptor, Address(path));

    internal static UnixHandle Connected(string path)
    {
        UnixHandle socket = New(SOCK_STREAM);
        PosixError.ThrowIfError(TryConnect(socket, path), $"connect {path}");
        return socket;
    }

    internal static bool IsRefused(string path)
    {
        using UnixHandle socket = New(SOCK_STREAM);
        return TryConnect(socket, path).IsError;
    }

    /// <summary>A path, or "@name" for an abstract name.</summary>
    private static byte[] Address(string path) => path[0] == '@'
        ? SocketPlace.Native([0, .. Encoding.UTF8.GetBytes(path[1..])])[..^1]
        : SocketPlace.Native(Encoding.UTF8.GetBytes(path));
}
