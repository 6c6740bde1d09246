using UnixLoop.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets.Datagrams;

/// <summary>Cancelling, closing, binding, handing in.</summary>
public sealed class LifetimeTests : DatagramTest
{
    [Fact]
    public async Task Receive_Cancelled_LosesNoDatagramAndTheNextOneGetsIt()
    {
        (UnixDatagramSocket one, UnixDatagramSocket other) = Pair();
        for (int i = 0; i < 100; i++)
        {
            using var cancel = new CancellationTokenSource();
            byte[] buffer = new byte[10];
            Task<UnixDatagramReceiveResult> waiting = ReceiveAsync(other, buffer, cancel.Token);
            // Both at once: either the receive ends with the datagram, or it is still there.
            Task sending = Task.Run(() => one.TrySend("x"u8));
            cancel.Cancel();
            await sending.WaitAsync(TestTimeout, CancellationToken.None);
            int got = 0;
            try
            {
                got = (await waiting).Length;
            }
            catch (OperationCanceledException e)
            {
                Assert.Equal(cancel.Token, e.CancellationToken);
                Assert.Equal(0, buffer[0]);
            }
            Assert.Equal(1, got == 1 ? 1 : (await ReceiveAsync(other, buffer)).Length);
            Assert.False(other.TryReceive(buffer, out _));
        }
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Send_Cancelled_IsNotSentAndTheOthersAre(bool isConnected)
    {
        UnixDatagramSocket server = await BindAsync(At("server"));
        UnixDatagramSocket client = isConnected ? Connected(server.LocalAddress) : Keep(UnixDatagramSocket.Create(Loop));
        int filled = Fill(client, isConnected ? null : server.LocalAddress);
        using var cancel = new CancellationTokenSource();
        Task first = Send("first", cancel.Token);
        Task second = Send("second", CancellationToken.None);
        await cancel.CancelAsync();
        OperationCanceledException e = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first.WaitAsync(TestTimeout, CancellationToken.None));
        Assert.Equal(cancel.Token, e.CancellationToken);
        for (int i = 0; i < filled; i++)
            Assert.Equal("fill", await ReceiveTextAsync(server));
        Assert.Equal("second", await ReceiveTextAsync(server));
        await second.WaitAsync(TestTimeout, CancellationToken.None);
        await Send("third", CancellationToken.None);
        Assert.Equal("third", await ReceiveTextAsync(server));

        Task Send(string text, CancellationToken token)
        {
            byte[] data = System.Text.Encoding.ASCII.GetBytes(text);
            return isConnected ? client.SendAsync(data, token).AsTask() : client.SendToAsync(data, server.LocalAddress, token).AsTask();
        }
    }

    [Fact]
    public async Task Receive_TwoAtOnce_IsRefused()
    {
        (UnixDatagramSocket one, UnixDatagramSocket other) = Pair();
        Task<UnixDatagramReceiveResult> first = ReceiveAsync(other, new byte[1]);
        await Assert.ThrowsAsync<InvalidOperationException>(() => ReceiveAsync(other, new byte[1]));
        await one.SendAsync("x"u8.ToArray());
        Assert.Equal(1, (await first).Length);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Close_WhatWaits_EndsAndNothingGoesOn(bool byLoop)
    {
        UnixDatagramSocket server = await BindAsync(At("server"));
        UnixDatagramSocket connected = Connected(server.LocalAddress);
        UnixDatagramSocket unconnected = Keep(UnixDatagramSocket.Create(Loop));
        Fill(connected);
        Task[] waiting =
        [
            connected.SendAsync("x"u8.ToArray()).AsTask(), unconnected.SendToAsync("x"u8.ToArray(), server.LocalAddress).AsTask(),
            ReceiveAsync(connected, new byte[1]), ReceiveAsync(unconnected, new byte[1]),
        ];
        if (byLoop)
        {
            await Loop.StopAsync().WaitAsync(TestTimeout);
        }
        else
        {
            await connected.DisposeAsync();
            await unconnected.DisposeAsync();
        }
        foreach (Task task in waiting)
            await Assert.ThrowsAsync<ObjectDisposedException>(() => task.WaitAsync(TestTimeout));
        Assert.Throws<ObjectDisposedException>(() => connected.TrySend("x"u8));
        Assert.Throws<ObjectDisposedException>(() => connected.TryReceive(new byte[1], out _));
        Assert.Contains("closed", connected.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rule02_DatagramsThatNobodyReceives_LeaveTheLoopAsleep()
    {
        UnixDatagramSocket server = await BindAsync(At("server"));
        UnixDatagramSocket client = Connected(server.LocalAddress);
        Task<UnixDatagramReceiveResult> waiting = ReceiveAsync(server, new byte[4]);
        await client.SendAsync("1"u8.ToArray());
        await waiting;
        Fill(client);
        Assert.InRange(await CountTurnsAsync(TimeSpan.FromMilliseconds(200)), 0, 5);
        await client.DisposeAsync();
        Assert.Equal("fill", await ReceiveTextAsync(server));
    }

    /// <summary>The socket is then readable for ever, with nothing to read: the loop spun while a receive waited.</summary>
    [Fact]
    public async Task Rule02_SharedSocketWasShutDown_EndsTheReceiveAndLeavesTheLoopAsleep()
    {
        (UnixHandle own, UnixHandle peer) = ConnectionTest.NewSocketPair(SOCK_DGRAM);
        using UnixHandle closing = peer, shared = new(PosixError.ThrowIfError(Libc.Fcntl(own.Descriptor, F_DUPFD_CLOEXEC), "fcntl"));
        UnixDatagramSocket socket = Keep(UnixDatagramSocket.FromSocket(Loop, own));
        Task<UnixDatagramReceiveResult> waiting = ReceiveAsync(socket, new byte[4]);
        PosixError.ThrowIfError(Libc.Shutdown(shared.Descriptor, SHUT_RD), "shutdown");
        Assert.Contains("has shut down", (await Assert.ThrowsAsync<IOException>(() => waiting)).Message, StringComparison.Ordinal);
        Assert.InRange(await CountTurnsAsync(TimeSpan.FromMilliseconds(100)), 0, 5);
        await Assert.ThrowsAsync<IOException>(() => ReceiveAsync(socket, new byte[4]));
        await socket.SendAsync("still"u8.ToArray());
        Assert.Equal("still", ConnectionTest.ReceiveText(closing, 5));
    }

    /// <summary>Its descriptor stayed open for ever, without a word.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public void Dropped_WithoutBeingDisposed_IsClosedItsFileRemovedAndToldOnce(bool hasWaited)
    {
        Drop(hasWaited);
        Eventually.True(
            () =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return !File.Exists(PathOf("dropped"));
            },
            "the close");
        Assert.Contains("was dropped", Assert.Single(Log.GetSnapshot(), entry => entry.Id.Name == "DatagramSocketLeaked").Message, StringComparison.Ordinal);
    }

    /// <summary>Apart, so that no local of the test keeps it.</summary>
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private void Drop(bool hasWaited) =>
        Task.Run(async () =>
        {
            UnixDatagramSocket socket = await UnixDatagramSocket.BindAsync(Loop, At("dropped"));
            if (!hasWaited)
                return;
            using CancellationTokenSource cancel = new();
            Task<UnixDatagramReceiveResult> waiting = socket.ReceiveAsync(new byte[1], cancel.Token).AsTask();
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        }).Wait(TestTimeout);

    [Fact]
    public async Task Dropped_WhileAReceiveWaits_StaysOpen()
    {
        UnixDatagramSocket sender = Keep(UnixDatagramSocket.Create(Loop));
        byte[] buffer = new byte[10];
        Task<UnixDatagramReceiveResult> waiting = await BeginReceiveAsync(At("waiting"), buffer);
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        await sender.SendToAsync("still"u8.ToArray(), At("waiting"));
        Assert.Equal(5, (await waiting.WaitAsync(TestTimeout)).Length);
        Eventually.True(
            () =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return Log.GetSnapshot().Any(entry => entry.Id.Name == "DatagramSocketLeaked");
            },
            "the leak is told");
    }

    private async Task<Task<UnixDatagramReceiveResult>> BeginReceiveAsync(UnixSocketAddress address, byte[] buffer) =>
        (await UnixDatagramSocket.BindAsync(Loop, address)).ReceiveAsync(buffer).AsTask();

    [Fact]
    public async Task LoopEnds_SocketThatNeverWaited_IsClosed()
    {
        UnixDatagramSocket socket = await BindAsync(At("idle"));
        await Loop.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        Assert.Contains("(closed)", socket.ToString(), StringComparison.Ordinal);
        Assert.False(File.Exists(PathOf("idle")));
    }

    [Theory, InlineData(UnixFileMode.UserRead | UnixFileMode.UserWrite), InlineData((UnixFileMode)0b110_110_000), InlineData((UnixFileMode)0b110_110_110)]
    public async Task Rule23_Mode_IsExactWhateverTheUmask(UnixFileMode mode)
    {
        UnixDatagramSocket server = await BindAsync(At("server"), new() { Mode = mode });
        Assert.Equal(mode, new FileInfo(PathOf("server")).UnixFileMode);
        Assert.Equal(["server", "server.lock"], Directory.EnumerateFileSystemEntries(PathOf("")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        await Connected(server.LocalAddress).SendAsync("reaches it"u8.ToArray());
        Assert.Equal("reaches it", await ReceiveTextAsync(server));
        Assert.Throws<ArgumentOutOfRangeException>(() => UnixDatagramSocket.Create(Loop, new() { Mode = UnixFileMode.SetUser }));
    }

    [Fact]
    public async Task Rule24_LiveServer_IsNotRobbedAndAStaleFileIsReplaced()
    {
        UnixDatagramSocket server = await BindAsync(At("server"));
        IOException inUse = await Assert.ThrowsAsync<IOException>(() => UnixDatagramSocket.BindAsync(Loop, At("server")).WaitAsync(TestTimeout));
        Assert.Equal(EADDRINUSE, inUse.HResult);
        await Connected(server.LocalAddress).SendAsync("alive"u8.ToArray());
        Assert.Equal("alive", await ReceiveTextAsync(server));

        using (var dead = new UnixHandle(PosixError.ThrowIfError(Libc.UnixSocket(SOCK_DGRAM), "socket")))
            PosixError.ThrowIfError(Libc.Bind(dead.Descriptor, UnixLoop.Transports.UnixSockets.SocketPlace.Native(At("stale").Bytes)), "bind");
        Assert.True(File.Exists(PathOf("stale")));
        UnixDatagramSocket next = await BindAsync(At("stale"));
        await Connected(next.LocalAddress).SendAsync("new"u8.ToArray());
        Assert.Equal("new", await ReceiveTextAsync(next));
    }

    [Fact]
    public async Task Rule25_Close_RemovesTheFileOnlyWhileItIsOurs()
    {
        UnixDatagramSocket server = await BindAsync(At("server"));
        await server.DisposeAsync();
        Assert.False(File.Exists(PathOf("server")));

        UnixDatagramSocket replaced = await BindAsync(At("server"));
        File.Delete(PathOf("server"));
        File.WriteAllText(PathOf("server"), "somebody else's");
        await replaced.DisposeAsync();
        Assert.True(File.Exists(PathOf("server")));
    }

    [Fact]
    public void FromSocket_WrongDescriptor_IsRefusedAndStaysTheCallers()
    {
        (UnixHandle read, UnixHandle write) = NewPipe();
        PosixError.ThrowIfError(Libc.UnixSocketPair(SOCK_STREAM, out int one, out int other), "socketpair");
        using UnixHandle first = new(one), second = new(other);
        using (read)
        using (write)
        {
            Assert.Contains("no socket", Assert.Throws<ArgumentException>(() => UnixDatagramSocket.FromSocket(Loop, read)).Message, StringComparison.Ordinal);
            Assert.Contains("SOCK_STREAM", Assert.Throws<ArgumentException>(() => UnixDatagramSocket.FromSocket(Loop, first)).Message, StringComparison.Ordinal);
            Assert.False(read.IsClosed || first.IsClosed);
        }
    }
}
