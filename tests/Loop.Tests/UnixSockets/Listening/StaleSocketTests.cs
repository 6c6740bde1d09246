using Microsoft.Extensions.Time.Testing;
using UnixLoop.Interop;
using UnixLoop.Transports;
using UnixLoop.Transports.UnixSockets;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets.Listening;

/// <summary>Rule 24: a stale file is replaced, a living server is never robbed.</summary>
public sealed class StaleSocketTests : ListenerTest
{
    private readonly FakeTimeProvider _clock = new();

    [Fact]
    public async Task Rule24_StaleFile_IsReplacedAndTold()
    {
        RawSocket.LeaveStale(SocketPath);
        FileStatus stale = StatusOf(SocketPath);
        await using UnixStreamListener listener = await BindAsync(SocketPath);
        // The inode's number may be the same one again; the listener answers.
        Assert.Equal(Libc.SocketFile, stale.Type);
        RawSocket.Connected(SocketPath).Dispose();
        Assert.Contains(Log.GetSnapshot(), record => record.Id.Name == "StaleSocketReplaced");
    }

    [Fact]
    public async Task Rule24_LivingServer_IsNotRobbedAndIsNamed()
    {
        using UnixHandle server = RawSocket.Listening(SocketPath);
        FileIdentity before = StatusOf(SocketPath).Identity;
        await AssertInUseAsync(SocketPath, "this process listens there");
        Assert.Equal(before, StatusOf(SocketPath).Identity);
        RawSocket.Connected(SocketPath).Dispose();
        File.Delete(SocketPath);
    }

    [Fact]
    public async Task Rule24_ServerWithFullBacklog_IsAlive()
    {
        using UnixHandle server = RawSocket.Listening(SocketPath, backlog: 0);
        List<UnixHandle> clients = [];
        PosixResult connected;
        do
        {
            clients.Add(RawSocket.New(SOCK_STREAM));
            connected = RawSocket.TryConnect(clients[^1], SocketPath);
        }
        while (connected.IsSuccess);
        Assert.Equal(EAGAIN, connected.Errno);
        await AssertInUseAsync(SocketPath, "alive (EAGAIN)");
        clients.ForEach(client => client.Dispose());
        File.Delete(SocketPath);
    }

    [Fact]
    public async Task Rule24_SocketOfAnotherType_IsAlive()
    {
        using UnixHandle server = RawSocket.Bound(SocketPath, SOCK_DGRAM);
        await AssertInUseAsync(SocketPath, "alive (EPROTOTYPE)");
        File.Delete(SocketPath);
    }

    [Fact]
    public async Task Rule24_ServerThatListensBetweenTheTwoProbes_IsAlive()
    {
        using UnixHandle server = RawSocket.Bound(SocketPath);
        await using UnixEventLoop loop = await ClockedLoopAsync();
        Task<UnixStreamListener> binding = UnixStreamListener.BindAsync(loop, AddressOf(SocketPath));
        PosixError.ThrowIfError(Libc.Listen(server.Descriptor, 1), "listen");
        await AssertInUseSoonAsync(binding, "this process listens there");
        File.Delete(SocketPath);
    }

    [Fact]
    public async Task Rule24_PathReplacedBetweenProbeAndRemoval_IsLeftAlone()
    {
        RawSocket.LeaveStale(SocketPath);
        UnixHandle? newcomer = null;
        StaleSocket.BeforeRemoval = place =>
        {
            if (newcomer is null && place.Address.Path == SocketPath)
            {
                // First the new file, so that it gets another inode.
                newcomer = RawSocket.Listening(PathOf("new"));
                File.Move(PathOf("new"), SocketPath, overwrite: true);
            }
        };
        try
        {
            await AssertInUseAsync(SocketPath, "this process listens there");
            RawSocket.Connected(SocketPath).Dispose();
        }
        finally
        {
            StaleSocket.BeforeRemoval = null;
            newcomer?.Dispose();
        }
        File.Delete(SocketPath);
    }

    [Fact]
    public async Task Rule24_StaleFileGoneBetweenProbeAndRemoval_IsNoError()
    {
        RawSocket.LeaveStale(SocketPath);
        StaleSocket.BeforeRemoval = place => File.Delete(place.Address.Path!);
        try
        {
            await using UnixStreamListener listener = await BindAsync(SocketPath);
            Assert.True(listener.IsServing);
        }
        finally
        {
            StaleSocket.BeforeRemoval = null;
        }
    }

    [Fact]
    public async Task Rule24_TwoBindersAtOnce_OneWinsAndTheOtherIsRefused()
    {
        for (int round = 0; round < 10; round++)
        {
            RawSocket.LeaveStale(SocketPath);
            Task<UnixStreamListener>[] bindings = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(() => BindAsync(SocketPath)))];
            await Task.WhenAll(bindings.Select(binding => binding.ContinueWith(_ => { }, TaskScheduler.Default))).WaitAsync(TestTimeout);
            UnixStreamListener winner = await Assert.Single(bindings, binding => binding.IsCompletedSuccessfully);
            Assert.All(bindings.Where(binding => binding.IsFaulted), binding => Assert.Equal(EADDRINUSE, binding.Exception!.InnerException!.HResult));
            RawSocket.Connected(SocketPath).Dispose();
            await DisposeAsync(winner);
        }
    }

    [Fact]
    public async Task Rule24_BoundAndNotServing_KeepsItsPathUntilItServes()
    {
        await using UnixStreamListener first = await BindAsync(SocketPath, new() { StartServing = false });
        Assert.True(RawSocket.IsRefused(SocketPath));
        await using UnixEventLoop loop = await ClockedLoopAsync();
        await AssertInUseSoonAsync(UnixStreamListener.BindAsync(loop, AddressOf(SocketPath)), $"holds '{SocketPath}.lock'");

        first.StartServing();
        RawSocket.Connected(SocketPath).Dispose();
        await AssertInUseAsync(SocketPath, "this process listens there");
    }

    [Fact]
    public async Task Rule24_NotServingAndClosed_LetsTheNextOneBind()
    {
        await DisposeAsync(await BindAsync(SocketPath, new() { StartServing = false }));
        await DisposeAsync(await BindAsync(SocketPath));
    }

    [Fact]
    public async Task Rule24_CancelWhileWaitingForTheLock_LeavesNothing()
    {
        await using UnixStreamListener first = await BindAsync(SocketPath, new() { StartServing = false });
        using CancellationTokenSource cancel = new();
        await using UnixEventLoop loop = await ClockedLoopAsync();
        Task<UnixStreamListener> second = UnixStreamListener.BindAsync(loop, AddressOf(SocketPath), cancellationToken: cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second.WaitAsync(TestTimeout));
        Assert.True(IsSocket(SocketPath));
    }

    [Fact]
    public async Task Rule24_FileOfAnotherUser_IsLeftAlone()
    {
        Requires.Root();
        RawSocket.LeaveStale(SocketPath);
        using (UnixHandle file = new(PosixError.ThrowIfError(Libc.Open(SocketPath, O_PATH), "open")))
            PosixError.ThrowIfError(Libc.ChangeOwner(file.Descriptor, 4711, null), "chown");
        await AssertInUseAsync(SocketPath, "a socket of user 4711");
        File.Delete(SocketPath);
    }

    [Fact]
    public async Task Rule24_ReplaceStaleSocketOff_StaleFileStays()
    {
        RawSocket.LeaveStale(SocketPath);
        await AssertInUseAsync(SocketPath, "there is a socket already", new() { ReplaceStaleSocket = false });
        File.Delete(SocketPath);
    }

    [Fact]
    public async Task Rule24_RegularFile_IsLeftAloneAndNamed()
    {
        await File.WriteAllTextAsync(SocketPath, "precious");
        await AssertInUseAsync(SocketPath, "no socket");
        Assert.Equal("precious", await File.ReadAllTextAsync(SocketPath));
        File.Delete(SocketPath);
    }

    [Fact]
    public async Task Rule24_SymbolicLinkToAStaleSocket_IsLeftAlone()
    {
        RawSocket.LeaveStale(PathOf("target"));
        File.CreateSymbolicLink(SocketPath, PathOf("target"));
        await AssertInUseAsync(SocketPath, "no socket");
        Assert.True(IsSocket(PathOf("target")));
        File.Delete(SocketPath);
        File.Delete(PathOf("target"));
    }

    [Fact]
    public async Task Rule24_LockFile_IsOursAloneAndStays()
    {
        await DisposeAsync(await BindAsync(SocketPath));
        FileStatus status = StatusOf(SocketPath + ".lock");
        Assert.Equal((Libc.RegularFile, 0b110_000_000u), (status.Type, status.Permissions));
    }

    [Fact]
    public async Task Rule24_LockFileIsALink_IsNotFollowed()
    {
        File.CreateSymbolicLink(SocketPath + ".lock", PathOf("elsewhere"));
        IOException refused = await Assert.ThrowsAsync<IOException>(() => BindAsync(SocketPath));
        Assert.Equal(ELOOP, refused.HResult);
        Assert.Contains($"'{SocketPath}.lock'", refused.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(PathOf("elsewhere")));
    }

    [Fact]
    public async Task Rule24_LockFileIsAFifo_DoesNotHang()
    {
        using (System.Diagnostics.Process made = System.Diagnostics.Process.Start("mkfifo", SocketPath + ".lock"))
            await made.WaitForExitAsync().WaitAsync(TestTimeout);
        IOException refused = await Assert.ThrowsAsync<IOException>(() => BindAsync(SocketPath));
        Assert.Contains("no regular file", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rule24_LockDirectory_KeepsPathsOfOneNameApart()
    {
        string locks = Directory.CreateDirectory(PathOf("locks")).FullName;
        string[] folders = [Directory.CreateDirectory(PathOf("a")).FullName, Directory.CreateDirectory(PathOf("b")).FullName];
        UnixStreamListenerOptions options = new() { LockDirectory = locks, StartServing = false };
        await using UnixStreamListener a = await BindAsync(Path.Combine(folders[0], "app.sock"), options);
        await using UnixStreamListener b = await BindAsync(Path.Combine(folders[1], "app.sock"), options);
        Assert.Equal(2, Directory.GetFiles(locks, "app.sock.*.lock").Length);
        Assert.Empty(Directory.GetFiles(folders[0], "*.lock"));
    }

    private async Task<UnixEventLoop> ClockedLoopAsync()
    {
        var loop = new UnixEventLoop(new() { TimeProvider = _clock, LoggerFactory = Loggers });
        await loop.StartAsync().WaitAsync(TestTimeout);
        return loop;
    }

    private async Task AssertInUseSoonAsync(Task<UnixStreamListener> binding, string because)
    {
        Eventually.True(
            () =>
            {
                _clock.Advance(TimeSpan.FromMilliseconds(50));
                return binding.IsCompleted;
            },
            "the end of the bind");
        IOException refused = await Assert.ThrowsAsync<IOException>(() => binding);
        Assert.Equal(EADDRINUSE, refused.HResult);
        Assert.Contains(because, refused.Message, StringComparison.Ordinal);
    }
}
