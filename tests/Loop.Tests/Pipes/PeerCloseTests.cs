using UnixLoop.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.Pipes;

/// <summary>How a write end sees that nobody reads any more, for each kind of descriptor.</summary>
public sealed class PeerCloseTests : PublicPipeTest
{
    [Fact]
    public async Task Rule21_FifoReaderGone_EndsWithoutAWrite()
    {
        string path = NewFifo();
        UnixHandle reader = OpenFifo(path, O_RDONLY);
        WritePipe pipe = await WritePipe.OpenAsync(Loop, path).WaitAsync(TestTimeout);
        reader.Dispose();
        await EndOf(pipe);
        Assert.InRange(await CountIdleTurnsAsync(), 0, 3);
        await pipe.DisposeAsync();
    }

    [Fact]
    public async Task Rule21_SocketPeerGone_EndsWithoutAWrite()
    {
        (UnixHandle socket, UnixHandle peer) = NewSockets();
        WritePipe pipe = WritePipe.FromHandle(Loop, socket);
        peer.Dispose();
        await EndOf(pipe);
        Assert.InRange(await CountIdleTurnsAsync(), 0, 3);
        await pipe.DisposeAsync();
    }

    [Fact]
    public async Task Rule21_SocketPeerGoneWithBytesQueued_IsABrokenPipe()
    {
        (UnixHandle socket, UnixHandle peer) = NewSockets();
        WritePipe pipe = WritePipe.FromHandle(Loop, socket);
        Task blocked = pipe.Output.WriteAsync(new byte[4_000_000]).AsTask();
        Assert.False(blocked.IsCompleted);
        peer.Dispose();
        await Assert.ThrowsAsync<IOException>(() => blocked.WaitAsync(TestTimeout));
        await Assert.ThrowsAsync<IOException>(() => EndOf(pipe));
        await pipe.DisposeAsync();
    }

    [Fact]
    public async Task Rule21_SocketWhosePeerSends_StaysOpen()
    {
        (UnixHandle socket, UnixHandle peer) = NewSockets();
        WritePipe pipe = WritePipe.FromHandle(Loop, socket);
        Put(peer, "nobody reads this");
        Assert.InRange(await CountIdleTurnsAsync(), 0, 3);
        Assert.False((await WriteAsync(pipe, "still there")).IsCompleted);
        Assert.Equal("still there", ReadNow(peer));
        peer.Dispose();
        await EndOf(pipe);
    }

    [Fact]
    public async Task Rule21_SocketWhoseReceivingSideIsShut_StaysOpen()
    {
        // A service's standard output: systemd shuts down what the journal's socket would receive.
        (UnixHandle socket, UnixHandle peer) = NewSockets();
        PosixError.ThrowIfError(Libc.Shutdown(socket.Descriptor, SHUT_RD), "shutdown");
        WritePipe pipe = WritePipe.FromHandle(Loop, socket);
        Assert.InRange(await CountIdleTurnsAsync(), 0, 3);
        Assert.False((await WriteAsync(pipe, "logged")).IsCompleted);
        Assert.Equal("logged", ReadNow(peer));
        peer.Dispose();
        await EndOf(pipe);
    }

    [Fact]
    public async Task Rule21_TcpPeerGone_EndsWithoutAWriteAndOneThatSendsStaysOpen()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        using var client = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        await client.ConnectAsync(listener.LocalEndpoint);
        using System.Net.Sockets.Socket accepted = await listener.AcceptSocketAsync();
        var own = new UnixHandle(PosixError.ThrowIfError(Libc.Fcntl((int)accepted.Handle, F_DUPFD_CLOEXEC), "fcntl"));
        accepted.Dispose();
        WritePipe pipe = WritePipe.FromHandle(Loop, own);
        await client.SendAsync("typed"u8.ToArray());
        Assert.InRange(await CountIdleTurnsAsync(), 0, 3);
        Assert.False((await WriteAsync(pipe, "x")).IsCompleted);
        client.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        await EndOf(pipe);
        await pipe.DisposeAsync();
    }

    [Fact]
    public async Task Rule21_TerminalIntoWhichSomeoneTypes_StaysOpenUntilItHangsUp()
    {
        (UnixHandle master, UnixHandle slave) = NewTerminal();
        WritePipe pipe = WritePipe.FromHandle(Loop, slave);
        Put(master, "typed by a person\n");
        Assert.InRange(await CountIdleTurnsAsync(), 0, 3);
        Assert.False((await WriteAsync(pipe, "shown")).IsCompleted);
        Eventually.True(() => ReadNow(master).Contains("shown", StringComparison.Ordinal), "the terminal shows it");
        master.Dispose();
        await EndOf(pipe);
        Assert.InRange(await CountIdleTurnsAsync(), 0, 3);
        await pipe.DisposeAsync();
    }
}
