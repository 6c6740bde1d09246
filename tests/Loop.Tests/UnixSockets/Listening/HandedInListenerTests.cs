using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets.Listening;

/// <summary>What a listener takes as a socket, and what it refuses (cpython: create_unix_server's checks of sock).</summary>
public sealed class HandedInListenerTests : ListenerTest
{
    [Fact]
    public void FromSocket_InternetSocket_IsRefusedAndStaysTheCallers()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        AssertRefused(socket.SafeHandle, "not AF_UNIX");
        socket.Listen();
    }

    [Fact]
    public void FromSocket_DatagramSocket_IsRefused()
    {
        using UnixHandle socket = RawSocket.Bound(SocketPath, SOCK_DGRAM);
        AssertRefused(socket, "SOCK_DGRAM");
        File.Delete(SocketPath);
    }

    [Fact]
    public void FromSocket_ConnectedSocket_IsRefused()
    {
        PosixError.ThrowIfError(Libc.UnixSocketPair(SOCK_STREAM, out int a, out int b), "socketpair");
        using UnixHandle one = new(a), two = new(b);
        AssertRefused(one, "connected");
    }

    [Fact]
    public void FromSocket_UnboundSocket_IsRefused()
    {
        using UnixHandle socket = RawSocket.New(SOCK_STREAM);
        AssertRefused(socket, "not bound");
    }

    [Fact]
    public void FromSocket_NoSocket_IsRefused()
    {
        using SafeFileHandle file = File.OpenHandle("/dev/null");
        AssertRefused(file, "no socket");
    }

    [Fact]
    public async Task FromSocket_BlockingListeningSocketOfDotNet_Serves()
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(SocketPath));
        socket.Listen(5);
        await using UnixStreamListener listener = UnixStreamListener.FromSocket(Loop, new UnixHandle(
            PosixError.ThrowIfError(Libc.Fcntl((int)socket.Handle, F_DUPFD_CLOEXEC), "fcntl")));
        Assert.True(listener.IsServing);
        using UnixHandle client = RawSocket.Connected(SocketPath);
        Assert.NotNull(await AcceptAsync(listener));
    }

    [Fact]
    public async Task FromSocket_BoundSocketThatIsNotToServe_RefusesUntilItDoes()
    {
        UnixStreamListener listener = UnixStreamListener.FromSocket(Loop, RawSocket.Bound(SocketPath), new() { StartServing = false });
        Assert.True(RawSocket.IsRefused(SocketPath));
        listener.StartServing();
        RawSocket.Connected(SocketPath).Dispose();
        await DisposeAsync(listener);
        File.Delete(SocketPath);
    }

    [Fact]
    public async Task FromSocket_LoopHasEnded_ClosesTheSocketAndKeepsItsFile()
    {
        UnixEventLoop loop = new();
        await loop.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        UnixHandle socket = RawSocket.Bound(SocketPath);
        Assert.Throws<ObjectDisposedException>(() => UnixStreamListener.FromSocket(loop, socket));
        Assert.True(socket.IsClosed);
        Assert.True(IsSocket(SocketPath));
        File.Delete(SocketPath);
    }

    private void AssertRefused(SafeHandle socket, string because)
    {
        ArgumentException refused = Assert.ThrowsAny<ArgumentException>(() => UnixStreamListener.FromSocket(Loop, socket));
        Assert.Contains(because, refused.Message, StringComparison.Ordinal);
        Assert.False(socket.IsClosed);
    }
}
