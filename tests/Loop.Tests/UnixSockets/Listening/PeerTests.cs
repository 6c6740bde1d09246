using UnixLoop.Interop;
using UnixLoop.TestSupport.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets.Listening;

/// <summary>Who is let in, and what is known of him.</summary>
public sealed class PeerTests : ListenerTest
{
    private const int Nobody = 65534;

    private readonly string _abstractName = $"@unixloop-test-{Guid.NewGuid():N}";

    [Fact]
    public async Task AbstractName_OurOwnUser_IsLetIn()
    {
        await using UnixStreamListener listener = await BindAsync(_abstractName);
        Assert.True(listener.LocalAddress.IsAbstract);
        using UnixHandle client = RawSocket.Connected(_abstractName);
        Assert.NotNull(await AcceptAsync(listener));
    }

    [Fact]
    public async Task AbstractName_AnotherUser_IsRefusedBeforeAByteIsRead()
    {
        Requires.Root();
        await using UnixStreamListener listener = await BindAsync(_abstractName);
        Task<UnixStreamConnection?> accept = listener.AcceptAsync().AsTask();
        using UnixHandle stranger = ConnectAs(Nobody, _abstractName);
        AssertClosed(stranger);
        Assert.False(accept.IsCompleted);
        Eventually.True(() => Log.GetSnapshot().Any(record => record.Id.Name == "PeerRefused"), "the refusal is logged");
        string line = Assert.Single(Log.GetSnapshot(), record => record.Id.Name == "PeerRefused").Message;
        Assert.Contains($"uid {Nobody}", line, StringComparison.Ordinal);

        using UnixHandle friend = RawSocket.Connected(_abstractName);
        Assert.NotNull(await accept.WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task AllowAnyUser_AbstractName_LetsOthersIn()
    {
        Requires.Root();
        await using UnixStreamListener listener = await BindAsync(_abstractName, new() { AllowAnyUser = true });
        using UnixHandle other = ConnectAs(Nobody, _abstractName);
        UnixStreamConnection connection = (await AcceptAsync(listener))!;
        Assert.Equal((uint)Nobody, connection.PeerCredentials.UserId);
    }

    [Theory]
    [InlineData("nobody", null, true)]
    [InlineData("65534", null, true)]
    [InlineData("4711", null, false)]
    [InlineData("4711", "0", true)] // The test's thread changes its user alone: its group is root's.
    public async Task AllowedUsersAndGroups_OfAPath_LetInWhoIsNamed(string user, string? group, bool isLetIn)
    {
        Requires.Root();
        await using UnixStreamListener listener = await BindAsync(
            SocketPath, new() { Mode = (UnixFileMode)0b110_110_110, AllowedUsers = [user], AllowedGroups = group is null ? null : [group] });
        OpenFolderToAll();
        using UnixHandle peer = ConnectAs(Nobody, SocketPath);
        if (isLetIn)
        {
            Assert.NotNull(await AcceptAsync(listener));
            return;
        }
        using CancellationTokenSource cancel = new();
        Task<UnixStreamConnection?> accept = listener.AcceptAsync(cancel.Token).AsTask();
        AssertClosed(peer);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => accept.WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task Refused_Flood_IsLoggedOnceASecond()
    {
        await using UnixStreamListener listener = await BindAsync(SocketPath, new() { AllowedUsers = ["4711"] });
        Task<UnixStreamConnection?> accept = listener.AcceptAsync().AsTask();
        for (int i = 0; i < 50; i++)
        {
            using UnixHandle stranger = RawSocket.Connected(SocketPath);
            AssertClosed(stranger);
        }
        Eventually.True(() => Log.GetSnapshot().Any(record => record.Id.Name == "PeerRefused"), "the refusal is logged");
        Assert.InRange(Log.GetSnapshot().Count(record => record.Id.Name == "PeerRefused"), 1, 10);
        listener.Close();
        Assert.Null(await accept.WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task Refused_WhileALimitIsReached_FreesItsPlace()
    {
        await using UnixStreamListener listener = await BindAsync(SocketPath, new() { AllowedUsers = ["4711"], ConnectionLimit = 1 });
        Task<UnixStreamConnection?> accept = listener.AcceptAsync().AsTask();
        for (int i = 0; i < 3; i++)
        {
            using UnixHandle stranger = RawSocket.Connected(SocketPath);
            AssertClosed(stranger);
        }
        listener.Close();
        await listener.WaitClosedAsync().WaitAsync(TestTimeout);
        Assert.Null(await accept.WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task Options_AnyUserAndAListOfUsers_ContradictEachOther()
    {
        await Assert.ThrowsAsync<ArgumentException>(() => BindAsync(SocketPath, new() { AllowAnyUser = true, AllowedUsers = ["root"] }));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => BindAsync(SocketPath, new() { Backlog = 0 }));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => BindAsync(SocketPath, new() { ConnectionLimit = 0 }));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => BindAsync(SocketPath, new() { Mode = (UnixFileMode)0b100_110_110_000 }));
        await Assert.ThrowsAsync<ArgumentException>(() => BindAsync(SocketPath, new() { ConnectionLoops = [] }));
    }

    [Fact]
    public void PeerCredentials_OfASocketPair_AreOurOwn()
    {
        PosixError.ThrowIfError(Libc.UnixSocketPair(SOCK_STREAM, out int a, out int b), "socketpair");
        using UnixHandle one = new(a), two = new(b);
        PeerCredentials peer = PeerCredentials.Read(one);
        Assert.Equal((Environment.ProcessId, Libc.EffectiveUser()), (peer.ProcessId, peer.UserId));
        string groups = File.ReadLines("/proc/self/status").First(line => line.StartsWith("Groups:", StringComparison.Ordinal))["Groups:".Length..];
        Assert.Equal(groups.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries).Select(uint.Parse).Order(), peer.SupplementaryGroups.Order());
        Assert.Equal($"pid {Environment.ProcessId}, uid {peer.UserId}, gid {peer.GroupId}", peer.ToString());
    }

    [Fact]
    public void OpenPidfd_OfALivingPeer_IsThatProcess()
    {
        Requires.Kernel(6, 5);
        PosixError.ThrowIfError(Libc.UnixSocketPair(SOCK_STREAM, out int a, out int b), "socketpair");
        using UnixHandle one = new(a), two = new(b);
        PeerCredentials peer = PeerCredentials.Read(one);
        using (var pidfd = (UnixHandle)peer.OpenPidfd()!)
            Assert.Contains($"Pid:\t{Environment.ProcessId}\n", File.ReadAllText($"/proc/self/fdinfo/{pidfd.Descriptor}"), StringComparison.Ordinal);
        one.Dispose();
        Assert.Throws<ObjectDisposedException>(peer.OpenPidfd);
    }

    /// <summary>The kernel notes the credentials of the thread that connects.</summary>
    private static UnixHandle ConnectAs(int user, string path)
    {
        UnixHandle? socket = null;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                TestLibc.BecomeOnThisThread(user);
                socket = RawSocket.Connected(path);
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        Assert.True(thread.Join(TestTimeout));
        return failure is null ? socket! : throw new InvalidOperationException("connect as another user", failure);
    }

    private void OpenFolderToAll()
    {
        using UnixHandle folder = new(PosixError.ThrowIfError(Libc.Open(Folder, O_PATH), "open"));
        PosixError.ThrowIfError(Libc.ChangeModeThroughPath(folder.Descriptor, 0b111_101_101), "chmod");
    }

    private static void AssertClosed(UnixHandle socket)
    {
        byte[] buffer = new byte[1];
        PosixResult read = default;
        Eventually.True(() => (read = Libc.Receive(socket.Descriptor, buffer)).Errno != EAGAIN, "the end");
        Assert.Equal(0, read.Value);
    }
}
