using System.Text;
using UnixLoop.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets.Listening;

/// <summary>Accepting, and the ends of a listener and its connections (cases of cpython's test_server and test_events).</summary>
public sealed class ListenerTests : ListenerTest
{
    [Fact]
    public async Task Bind_Returns_AlreadyAccepting()
    {
        await using UnixStreamListener listener = await BindAsync(SocketPath);
        Assert.True(listener.IsServing);
        using UnixHandle client = RawSocket.Connected(SocketPath);
        UnixStreamConnection? connection = await AcceptAsync(listener);
        await SayAsync(connection!, "hello");
        Assert.Equal("hello", Read(client));
        Assert.Equal(SocketPath, connection!.LocalAddress.Path);
    }

    [Fact]
    public async Task StartServing_False_WaitsUntilAsked()
    {
        UnixStreamListener listener = await BindAsync(SocketPath, new() { StartServing = false });
        Assert.False(listener.IsServing);
        Task<UnixStreamConnection?> accept = listener.AcceptAsync().AsTask();
        Assert.True(RawSocket.IsRefused(SocketPath));

        listener.StartServing();
        listener.StartServing();
        Assert.True(listener.IsServing);
        using UnixHandle client = RawSocket.Connected(SocketPath);
        Assert.NotNull(await accept.WaitAsync(TestTimeout));

        await DisposeAsync(listener);
        Assert.False(listener.IsServing);
        Assert.Null(await AcceptAsync(listener));
        Assert.Throws<ObjectDisposedException>(listener.StartServing);
    }

    [Fact]
    public async Task Close_ConnectIsRefusedAndWaitingAcceptsGetNull()
    {
        UnixStreamListener listener = await BindAsync(SocketPath);
        Task<UnixStreamConnection?>[] accepts = [.. Enumerable.Range(0, 3).Select(_ => listener.AcceptAsync().AsTask())];
        listener.Close();
        Assert.All(await Task.WhenAll(accepts).WaitAsync(TestTimeout), Assert.Null);
        Assert.True(RawSocket.IsRefused(SocketPath));
        await DisposeAsync(listener);
    }

    [Fact]
    public async Task WaitClosed_Basic_NeedsCloseAndTheLastConnection()
    {
        UnixStreamListener listener = await BindAsync(SocketPath);
        Task closed = listener.WaitClosedAsync();
        using UnixHandle client = RawSocket.Connected(SocketPath);
        UnixStreamConnection connection = (await AcceptAsync(listener))!;
        await SettleAsync();
        Assert.False(closed.IsCompleted);
        listener.Close();
        await SettleAsync();
        Assert.False(closed.IsCompleted);
        await DisposeAsync(connection);
        await closed.WaitAsync(TestTimeout);
        Assert.True(listener.WaitClosedAsync().IsCompletedSuccessfully);
    }

    [Fact]
    public async Task WaitClosed_ConnectionEndsBeforeTheClose_EndsWithTheClose()
    {
        UnixStreamListener listener = await BindAsync(SocketPath);
        using (RawSocket.Connected(SocketPath))
            await DisposeAsync((await AcceptAsync(listener))!);
        Task closed = listener.WaitClosedAsync();
        await SettleAsync();
        Assert.False(closed.IsCompleted);
        listener.Close();
        await closed.WaitAsync(TestTimeout);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WaitClosed_Race_CloseAndLastDisconnectInOneTurn(bool closeFirst)
    {
        for (int round = 0; round < 50; round++)
        {
            UnixStreamListener listener = await BindAsync(SocketPath);
            using UnixHandle client = RawSocket.Connected(SocketPath);
            UnixStreamConnection connection = (await AcceptAsync(listener))!;
            Task closed = listener.WaitClosedAsync();
            await Loop.InvokeAsync(() =>
            {
                if (closeFirst)
                    listener.Close();
                connection.Abort();
                if (!closeFirst)
                    listener.Close();
            }).WaitAsync(TestTimeout);
            await closed.WaitAsync(TestTimeout);
        }
    }

    [Fact]
    public async Task WaitClosed_CloseAndDisconnectFromTwoThreads_AlwaysEnds()
    {
        for (int round = 0; round < 50; round++)
        {
            UnixStreamListener listener = await BindAsync(SocketPath);
            using UnixHandle client = RawSocket.Connected(SocketPath);
            UnixStreamConnection connection = (await AcceptAsync(listener))!;
            Task closed = listener.WaitClosedAsync();
            using Barrier start = new(2);
            Task abort = Task.Run(() =>
            {
                start.SignalAndWait(TestTimeout);
                connection.Abort();
            });
            start.SignalAndWait(TestTimeout);
            listener.Close();
            await abort.WaitAsync(TestTimeout);
            await closed.WaitAsync(TestTimeout);
        }
    }

    [Fact]
    public async Task WaitClosed_Cancelled_EndsTheWaitAlone()
    {
        await using UnixStreamListener listener = await BindAsync(SocketPath);
        using CancellationTokenSource cancel = new();
        Task closed = listener.WaitClosedAsync(cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => closed.WaitAsync(TestTimeout));
        Assert.True(listener.IsServing);
    }

    [Fact]
    public async Task CloseClients_AllConnections_AreToldTheEndAfterWhatWasSent()
    {
        UnixStreamListener listener = await BindAsync(SocketPath);
        UnixHandle[] clients = [.. Enumerable.Range(0, 5).Select(_ => RawSocket.Connected(SocketPath))];
        for (int i = 0; i < clients.Length; i++)
            await SayAsync((await AcceptAsync(listener))!, $"{i}");
        listener.Close();
        listener.CloseClients();
        await listener.WaitClosedAsync().WaitAsync(TestTimeout);
        for (int i = 0; i < clients.Length; i++)
        {
            Assert.Equal($"{i}", Read(clients[i]));
            Assert.Equal("", Read(clients[i]));
            clients[i].Dispose();
        }
    }

    [Fact]
    public async Task AbortClients_WriteBufferStuck_EndsAtOnce()
    {
        UnixStreamListener listener = await BindAsync(SocketPath);
        using UnixHandle client = RawSocket.Connected(SocketPath);
        UnixStreamConnection connection = (await AcceptAsync(listener))!;
        // Nobody reads: the socket fills, then the queue goes over its mark, and the flush waits.
        Task stuck = WriteForeverAsync(connection);
        listener.Close();
        await SettleAsync();
        Assert.False(listener.WaitClosedAsync().IsCompleted);
        listener.AbortClients();
        await listener.WaitClosedAsync().WaitAsync(TestTimeout);
        await Assert.ThrowsAnyAsync<IOException>(() => stuck.WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task Dispose_WithIdleConnections_EndsThem()
    {
        UnixStreamListener listener = await BindAsync(SocketPath);
        using UnixHandle client = RawSocket.Connected(SocketPath);
        Assert.NotNull(await AcceptAsync(listener));
        await DisposeAsync(listener);
        Assert.Equal("", Read(client));
        await DisposeAsync(listener);
    }

    [Fact]
    public async Task Accept_ManyConnectionsAndManyWaiters_EachIsHandedOutOnce()
    {
        await using UnixStreamListener listener = await BindAsync(SocketPath);
        Task<UnixStreamConnection?>[] waiting = [.. Enumerable.Range(0, 20).Select(_ => listener.AcceptAsync().AsTask())];
        UnixHandle[] clients = [.. Enumerable.Range(0, 40).Select(_ => RawSocket.Connected(SocketPath))];
        List<UnixStreamConnection> accepted = [.. (await Task.WhenAll(waiting).WaitAsync(TestTimeout)).OfType<UnixStreamConnection>()];
        while (accepted.Count < clients.Length)
            accepted.Add((await AcceptAsync(listener))!);
        Assert.Equal(clients.Length, accepted.Distinct().Count());
        foreach (UnixHandle client in clients)
            client.Dispose();
    }

    [Fact]
    public async Task Accept_Cancelled_LosesNoConnection()
    {
        await using UnixStreamListener listener = await BindAsync(SocketPath);
        for (int round = 0; round < 100; round++)
        {
            using CancellationTokenSource cancel = new();
            Task<UnixStreamConnection?> accept = listener.AcceptAsync(cancel.Token).AsTask();
            using Barrier start = new(2);
            Task cancelling = Task.Run(() =>
            {
                start.SignalAndWait(TestTimeout);
                cancel.Cancel();
            });
            start.SignalAndWait(TestTimeout);
            using UnixHandle client = RawSocket.Connected(SocketPath);
            await cancelling.WaitAsync(TestTimeout);
            UnixStreamConnection? connection;
            try
            {
                connection = await accept.WaitAsync(TestTimeout);
            }
            catch (OperationCanceledException e) when (e.CancellationToken == cancel.Token)
            {
                connection = await AcceptAsync(listener);
            }
            await DisposeAsync(connection!);
        }
    }

    [Fact]
    public async Task Accept_TokenCancelledBefore_Throws()
    {
        await using UnixStreamListener listener = await BindAsync(SocketPath);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => listener.AcceptAsync(new CancellationToken(true)).AsTask());
    }

    [Fact]
    public async Task Accept_OnTheLoop_LetsOthersRun()
    {
        await using UnixStreamListener listener = await BindAsync(SocketPath, new() { Backlog = 1000 });
        UnixHandle[] clients = [.. Enumerable.Range(0, 200).Select(_ => RawSocket.Connected(SocketPath))];
        int accepted = 0, acceptedAtPost = -1;
        await Loop.InvokeAsync(async () =>
        {
            Loop.Post(() => acceptedAtPost = accepted);
            while (accepted < clients.Length && await listener.AcceptAsync() is not null)
                accepted++;
        }).WaitAsync(TestTimeout);
        Assert.InRange(acceptedAtPost, 0, 64);
        foreach (UnixHandle client in clients)
            client.Dispose();
    }

    [Fact]
    public async Task ConnectionLimit_AtIt_FurtherOnesWaitForAnEnd()
    {
        await using UnixStreamListener listener = await BindAsync(SocketPath, new() { ConnectionLimit = 2 });
        using UnixHandle a = RawSocket.Connected(SocketPath), b = RawSocket.Connected(SocketPath), c = RawSocket.Connected(SocketPath);
        UnixStreamConnection first = (await AcceptAsync(listener))!;
        await using UnixStreamConnection second = (await AcceptAsync(listener))!;
        Task<UnixStreamConnection?> third = listener.AcceptAsync().AsTask();
        await SettleAsync();
        Assert.False(third.IsCompleted);
        await DisposeAsync(first);
        await SayAsync((await third.WaitAsync(TestTimeout))!, "third");
        Assert.Equal("third", Read(c));
    }

    [Fact]
    public async Task ConnectionLoops_Connections_AreSpreadInTurn()
    {
        await using UnixEventLoop one = new(), two = new();
        await Task.WhenAll(one.StartAsync(), two.StartAsync()).WaitAsync(TestTimeout);
        await using UnixStreamListener listener = await BindAsync(SocketPath, new() { ConnectionLoops = [one, two] });
        UnixHandle[] clients = [.. Enumerable.Range(0, 4).Select(_ => RawSocket.Connected(SocketPath))];
        List<UnixEventLoop> loops = [];
        for (int i = 0; i < clients.Length; i++)
            loops.Add((await AcceptAsync(listener))!.Loop);
        Assert.Equal([one, two, one, two], loops);
        foreach (UnixHandle client in clients)
            client.Dispose();
    }

    [Fact]
    public async Task ConnectionLoops_OneHasEnded_ItsConnectionsAreClosedAndOthersServe()
    {
        UnixEventLoop ended = new();
        await ended.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        await using UnixStreamListener listener = await BindAsync(SocketPath, new() { ConnectionLoops = [ended, Loop] });
        using UnixHandle lost = RawSocket.Connected(SocketPath), served = RawSocket.Connected(SocketPath);
        await SayAsync((await AcceptAsync(listener))!, "served");
        Assert.Equal("served", Read(served));
        Assert.Equal("", Read(lost));
        Assert.Contains(Log.GetSnapshot(), record => record.Id.Name == "ConnectionNotStarted");
    }

    [Fact]
    public async Task LoopEnds_Listener_IsClosedAndItsFileGone()
    {
        UnixEventLoop loop = new();
        await loop.StartAsync().WaitAsync(TestTimeout);
        UnixStreamListener listener = await UnixStreamListener.BindAsync(loop, AddressOf(SocketPath)).WaitAsync(TestTimeout);
        Task<UnixStreamConnection?> accept = listener.AcceptAsync().AsTask();
        using UnixHandle client = RawSocket.Connected(SocketPath);
        Assert.NotNull(await accept.WaitAsync(TestTimeout));
        Task<UnixStreamConnection?> next = listener.AcceptAsync().AsTask();
        await loop.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        Assert.Null(await next.WaitAsync(TestTimeout));
        Assert.False(IsSocket(SocketPath));
        await DisposeAsync(listener);
    }

    [Fact]
    public async Task Bind_LoopHasEnded_ThrowsAndLeavesNothing()
    {
        UnixEventLoop loop = new();
        await loop.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => UnixStreamListener.BindAsync(loop, AddressOf(SocketPath)));
        Assert.False(IsSocket(SocketPath));
    }

    [Fact]
    public async Task Accept_SharedSocketWasShutDown_ThrowsAndCloses()
    {
        using UnixHandle theirs = RawSocket.Listening(SocketPath);
        UnixStreamListener listener = UnixStreamListener.FromSocket(
            Loop, new UnixHandle(PosixError.ThrowIfError(Libc.Fcntl(theirs.Descriptor, F_DUPFD_CLOEXEC), "fcntl")));
        Task<UnixStreamConnection?> accept = listener.AcceptAsync().AsTask();
        Assert.Equal(0, Libc.Shutdown(theirs.Descriptor, SHUT_RDWR).Errno);
        IOException failed = await Assert.ThrowsAsync<IOException>(() => accept.WaitAsync(TestTimeout));
        Assert.StartsWith($"EINVAL: '{SocketPath}' has been shut down", failed.Message, StringComparison.Ordinal);
        Eventually.True(() => Log.GetSnapshot().Any(record => record.Id.Name == "AcceptFailed"), "the line, which comes last");
        await DisposeAsync(listener);
        File.Delete(SocketPath);
    }

    [Fact]
    public async Task ToString_TellsAddressStateAndConnections()
    {
        UnixStreamListener listener = await BindAsync(SocketPath, new() { StartServing = false });
        Assert.Equal($"UnixStreamListener '{SocketPath}' (bound, 0 connections)", listener.ToString());
        listener.StartServing();
        using UnixHandle client = RawSocket.Connected(SocketPath);
        await using UnixStreamConnection connection = (await AcceptAsync(listener))!;
        Assert.Equal($"UnixStreamListener '{SocketPath}' (serving, 1 connections)", listener.ToString());
        await DisposeAsync(listener);
        Assert.Equal($"UnixStreamListener '{SocketPath}' (closed, 0 connections)", listener.ToString());
    }

    private static async Task SayAsync(UnixStreamConnection connection, string text) =>
        await connection.Output.WriteAsync(Encoding.UTF8.GetBytes(text)).AsTask().WaitAsync(TestTimeout);

    private static async Task WriteForeverAsync(UnixStreamConnection connection)
    {
        byte[] chunk = new byte[65536];
        while (!(await connection.Output.WriteAsync(chunk)).IsCompleted)
        {
        }
    }

    /// <summary>What one recv(2) gives; "" at the end.</summary>
    private static string Read(UnixHandle client)
    {
        byte[] buffer = new byte[1000];
        PosixResult read = default;
        Eventually.True(() => (read = Libc.Receive(client.Descriptor, buffer)).Errno != EAGAIN, "something to read");
        Assert.Equal(0, read.Errno);
        return Encoding.UTF8.GetString(buffer, 0, read.IntValue);
    }
}
