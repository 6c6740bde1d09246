using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.UnixSockets.Listening;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets;

public sealed class ConnectTests : ConnectionTest
{
    private readonly string _folder = Directory.CreateTempSubdirectory("unixloop-").FullName;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private Task<UnixStreamConnection> ConnectAsync(UnixSocketAddress address, CancellationToken token = default) =>
        UnixStreamConnection.ConnectAsync(Loop, address, cancellationToken: token).WaitAsync(TestTimeout, CancellationToken.None);

    private static Socket Listen(string path, int backlog)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(backlog);
        return listener;
    }

    [Fact]
    public async Task ConnectAsync_NoFile_NamesTheAddressAndTheErrno()
    {
        string path = Path.Combine(_folder, "missing.sock");
        IOException refused = await Assert.ThrowsAsync<IOException>(() => ConnectAsync(UnixSocketAddress.FromPath(path)));
        Assert.Equal(ENOENT, refused.HResult);
        Assert.Contains(path, refused.Message, StringComparison.Ordinal);
        Assert.Contains("ENOENT", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConnectAsync_NobodyListens_IsRefused()
    {
        string path = Path.Combine(_folder, "stale.sock");
        using (var bound = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            bound.Bind(new UnixDomainSocketEndPoint(path));
            IOException refused = await Assert.ThrowsAsync<IOException>(() => ConnectAsync(UnixSocketAddress.FromPath(path)));
            Assert.Equal(ECONNREFUSED, refused.HResult);
        }
    }

    [Fact]
    public async Task ConnectAsync_FullBacklog_WaitsAndCanBeCancelled()
    {
        string path = Path.Combine(_folder, "full.sock");
        using Socket listener = Listen(path, backlog: 0);
        UnixSocketAddress address = UnixSocketAddress.FromPath(path);
        await using UnixStreamConnection first = await ConnectAsync(address);
        using var source = new CancellationTokenSource();
        Task<UnixStreamConnection> cancelled = ConnectAsync(address, source.Token);
        Task<UnixStreamConnection> second = ConnectAsync(address);
        Assert.False(cancelled.IsCompleted || second.IsCompleted);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        using Socket accepted = await listener.AcceptAsync().WaitAsync(TestTimeout);
        await using UnixStreamConnection connected = await second;
        Assert.Equal(address, connected.RemoteAddress);
    }

    [Fact]
    public async Task ConnectAsync_PathOver107Bytes_GoesThroughADescriptor()
    {
        string inner = Path.Combine(_folder, new string('d', 120));
        Directory.CreateDirectory(inner);
        string path = Path.Combine(inner, "s.sock");
        string shortPath = Path.Combine(_folder, "s.sock");
        using Socket listener = Listen(shortPath, backlog: 5);
        File.Move(shortPath, path);
        await using UnixStreamConnection connection = await ConnectAsync(UnixSocketAddress.FromPath(path));
        Assert.Equal(path, connection.RemoteAddress.Path);
    }

    [Fact]
    public async Task ConnectAsync_PathOfRawBytes_Connects()
    {
        byte[] path = [.. Encoding.UTF8.GetBytes(_folder), (byte)'/', 0xff, 0xfe];
        string first = Path.Combine(_folder, "s.sock");
        using UnixHandle listener = RawSocket.Listening(first);
        // .NET can't name it.
        PosixError.ThrowIfError(Libc.RenameNoReplace(AT_FDCWD, Encoding.UTF8.GetBytes(first), AT_FDCWD, path), "renameat2");
        await using UnixStreamConnection connection = await ConnectAsync(UnixSocketAddress.FromPath(path));
        Assert.Equal(path, connection.RemoteAddress.Bytes.ToArray());
        Assert.Equal(0, Libc.Unlink(AT_FDCWD, path).Errno);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task ConnectAsync_ListenerGoesAwayWhileItWaits_Fails(bool fileStays)
    {
        string path = Path.Combine(_folder, "full.sock");
        UnixHandle listener = RawSocket.Listening(path, backlog: 0);
        await using UnixStreamConnection first = await ConnectAsync(UnixSocketAddress.FromPath(path));
        Task<UnixStreamConnection> second = ConnectAsync(UnixSocketAddress.FromPath(path));
        Assert.False(second.IsCompleted);
        if (!fileStays)
            File.Delete(path);
        listener.Dispose();
        IOException refused = await Assert.ThrowsAsync<IOException>(() => second);
        Assert.Equal(fileStays ? ECONNREFUSED : ENOENT, refused.HResult);
    }

    [Fact]
    public async Task ConnectAsync_ListenerGoesAwayBeforeItAccepts_IsAReset()
    {
        string path = Path.Combine(_folder, "gone.sock");
        UnixHandle listener = RawSocket.Listening(path);
        await using UnixStreamConnection connection = await ConnectAsync(UnixSocketAddress.FromPath(path));
        Task<ReadResult> read = connection.Input.ReadAsync().AsTask();
        Assert.False(read.IsCompleted);
        listener.Dispose();
        IOException reset = await Assert.ThrowsAsync<IOException>(() => read.WaitAsync(TestTimeout));
        Assert.Equal(ECONNRESET, reset.HResult);
        await ClosedAsync(connection);
    }

    [Fact]
    public async Task ConnectAsync_EndedLoop_ThrowsAtOnce()
    {
        await Loop.StopAsync().WaitAsync(TestTimeout);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => ConnectAsync(UnixSocketAddress.FromAbstractName("unixloop-nobody")));
    }

    [Fact]
    public void FromSocket_WrongKind_IsRefusedAndLeftToTheCaller()
    {
        (UnixHandle first, UnixHandle second) = NewSocketPair(SOCK_DGRAM);
        (UnixHandle read, UnixHandle write) = NewPipe();
        using var lone = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using var tcp = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using (first)
        using (second)
        using (read)
        using (write)
        {
            Assert.Contains("SOCK_STREAM", Refusal(first), StringComparison.Ordinal);
            Assert.Contains("no socket", Refusal(read), StringComparison.Ordinal);
            Assert.Contains("not connected", Refusal(lone.SafeHandle), StringComparison.Ordinal);
            Assert.Contains("AF_UNIX", Refusal(tcp.SafeHandle), StringComparison.Ordinal);
            Assert.False(first.IsClosed || read.IsClosed || lone.SafeHandle.IsClosed);
        }
    }

    private string Refusal(System.Runtime.InteropServices.SafeHandle handle) =>
        Assert.Throws<ArgumentException>(() => { UnixStreamConnection.FromSocket(Loop, handle); }).Message;

    [Fact]
    public async Task Loop_Ended_EndsItsConnections()
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection();
        using (peer)
        {
            var read = connection.Input.ReadAsync().AsTask();
            await Loop.StopAsync().WaitAsync(TestTimeout);
            await Assert.ThrowsAsync<ObjectDisposedException>(() => read.WaitAsync(TestTimeout));
            await Assert.ThrowsAsync<ObjectDisposedException>(() => connection.Output.WriteAsync(new byte[1]).AsTask());
            Assert.Equal(0, ReceiveEnd(peer).IntValue);
            await connection.DisposeAsync();
        }
    }

    [Fact]
    public void Dropped_WithoutBeingClosed_IsClosedAndToldOnce()
    {
        using UnixHandle peer = Drop();
        Eventually.True(
            () =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return Log.GetSnapshot().Any(entry => entry.Id.Name == "ConnectionLeaked");
            },
            "the leak is told");
        Assert.Equal(0, ReceiveEnd(peer).IntValue);
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private UnixHandle Drop() => NewConnection().Peer;
}
