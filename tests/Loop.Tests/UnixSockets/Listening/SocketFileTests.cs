using System.Text;
using UnixLoop.Interop;
using UnixLoop.Transports;
using UnixLoop.Transports.UnixSockets;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets.Listening;

/// <summary>The socket's file: rights, owner, directory, long names, and its end (rules 23 and 25).</summary>
public sealed class SocketFileTests : ListenerTest
{
    public static TheoryData<int> Modes => [0b110_110_000, 0b110_000_000, 0b110_110_110, 0b111_111_111, 0];

    [Theory, MemberData(nameof(Modes))]
    public async Task Rule23_Mode_IsExactlyWhatWasAsked(int mode)
    {
        await using UnixStreamListener listener = await BindAsync(SocketPath, new() { Mode = (UnixFileMode)mode });
        Assert.Equal((uint)mode, StatusOf(SocketPath).Permissions);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task Rule23_ModeOfADatagramSocket_IsExactlyWhatWasAsked(int mode)
    {
        using BoundSocket socket = await SocketBinder.BindAsync(
            AddressOf(SocketPath), SOCK_DGRAM, new BindingOptions((uint)mode, null, null, null, null, true), TimeProvider.System, default).AsTask().WaitAsync(TestTimeout);
        Assert.Equal((uint)mode, StatusOf(SocketPath).Permissions);
        Assert.Equal([SocketPath, SocketPath + ".lock"], Directory.GetFileSystemEntries(Folder).Order());
    }

    [Fact]
    public async Task Rule23_OwnerAndGroup_AreWhatWasAsked()
    {
        Requires.Root();
        await using UnixStreamListener listener = await BindAsync(
            SocketPath, new() { Mode = (UnixFileMode)0b110_110_000, Owner = "nobody", Group = "4711" });
        Assert.Equal((65534u, 4711u, 0b110_110_000u), (StatusOf(SocketPath).Owner, StatusOf(SocketPath).Group, StatusOf(SocketPath).Permissions));
    }

    [Fact]
    public async Task Rule23_NothingAsked_DatagramSocketKeepsItsName()
    {
        using BoundSocket socket = await SocketBinder.BindAsync(
            AddressOf(SocketPath), SOCK_DGRAM, new BindingOptions(null, null, null, null, null, true), TimeProvider.System, default).AsTask().WaitAsync(TestTimeout);
        byte[] name = new byte[NativeAddress.MaxLength];
        int length = PosixError.ThrowIfError(Libc.GetSocketName(socket.Socket.Descriptor, name), "getsockname");
        Assert.Equal(SocketPath, NativeAddress.Read(name, length).Path);
    }

    [Theory]
    [InlineData("no-such-user-here", null, "there is no user 'no-such-user-here'")]
    [InlineData(null, "no-such-group-here", "there is no group 'no-such-group-here'")]
    public async Task Bind_UnknownAccount_IsNamedBeforeAnythingIsMade(string? owner, string? group, string message)
    {
        ArgumentException refused = await Assert.ThrowsAsync<ArgumentException>(() => BindAsync(SocketPath, new() { Owner = owner, Group = group }));
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(Folder));
    }

    [Fact]
    public async Task DirectoryMode_MissingDirectory_IsMadeWithItsOwnMode()
    {
        string folder = PathOf("run");
        await using UnixStreamListener listener = await BindAsync(
            Path.Combine(folder, "app.sock"), new() { DirectoryMode = (UnixFileMode)0b111_111_010, Mode = (UnixFileMode)0b110_000_000 });
        Assert.Equal((Libc.Directory, 0b111_111_010u), (StatusOf(folder).Type, StatusOf(folder).Permissions));
        Assert.Equal(0b110_000_000u, StatusOf(Path.Combine(folder, "app.sock")).Permissions);
    }

    [Fact]
    public async Task DirectoryMode_DirectoryIsThere_IsLeftAsItIs()
    {
        string folder = PathOf("run");
        await DisposeAsync(await BindAsync(Path.Combine(folder, "first.sock"), new() { DirectoryMode = (UnixFileMode)0b111_000_000 }));
        await using UnixStreamListener listener = await BindAsync(Path.Combine(folder, "app.sock"), new() { DirectoryMode = (UnixFileMode)0b111_111_111 });
        Assert.Equal(0b111_000_000u, StatusOf(folder).Permissions);
    }

    [Fact]
    public async Task Bind_MissingDirectory_IsNamed()
    {
        string path = Path.Combine(PathOf("run"), "app.sock");
        IOException refused = await Assert.ThrowsAsync<IOException>(() => BindAsync(path));
        Assert.Equal(ENOENT, refused.HResult);
        Assert.Contains($"'{PathOf("run")}'", refused.Message, StringComparison.Ordinal);
    }

    /// <param name="folderLength">Of the directory's name.</param>
    /// <param name="nameLength">Of the socket's.</param>
    [Theory]
    [InlineData(10, 30)]
    [InlineData(120, 8)]
    [InlineData(120, 80)]
    [InlineData(4, 100)]
    [InlineData(200, 250)]
    public async Task Bind_PathsOfAnyLength_ServeAndAreRemoved(int folderLength, int nameLength)
    {
        string folder = Directory.CreateDirectory(PathOf(new string('d', folderLength))).FullName;
        string path = Path.Combine(folder, new string('s', nameLength));
        await using (UnixStreamListener listener = await BindAsync(path, new() { Mode = (UnixFileMode)0b110_000_000 }))
        {
            Assert.Equal(path, listener.LocalAddress.Path);
            Assert.Equal(0b110_000_000u, StatusOf(path).Permissions);
            Assert.Equal(0, NativeAddress.TryForPeer(AddressOf(path), out NativeAddress? native).Errno);
            using (native)
            using (UnixHandle client = RawSocket.New(SOCK_STREAM))
                Assert.Equal(0, Libc.Connect(client.Descriptor, native!.Bytes).Errno);
        }
        Assert.False(IsSocket(path));
        Assert.Equal([path + ".lock"], Directory.GetFileSystemEntries(folder));
    }

    /// <summary>sun_path has 108 bytes, of which a path's NUL takes one.</summary>
    [Theory, InlineData(107), InlineData(108)]
    public async Task Bind_PathAtTheRoomOfAnAddress_ServesItsClients(int length)
    {
        string path = PathOf(new string('s', length - Folder.Length - 1));
        await AssertServesAsync(AddressOf(path));
        Assert.False(IsSocket(path));
    }

    [Fact]
    public Task Bind_AbstractNameOfFullLengthWithNuls_ServesItsClients()
    {
        byte[] name = new byte[107];
        Guid.NewGuid().TryWriteBytes(name);
        return AssertServesAsync(UnixSocketAddress.FromAbstractName(name));
    }

    private async Task AssertServesAsync(UnixSocketAddress address)
    {
        await using UnixStreamListener listener = await UnixStreamListener.BindAsync(Loop, address).WaitAsync(TestTimeout);
        await using UnixStreamConnection client = await UnixStreamConnection.ConnectAsync(Loop, address).WaitAsync(TestTimeout);
        await using UnixStreamConnection accepted = (await AcceptAsync(listener))!;
        await client.Output.WriteAsync("bytes"u8.ToArray());
        Assert.Equal("bytes", await ConnectionTest.ReadTextAsync(accepted.Input, 5));
    }

    [Fact]
    public async Task Bind_NameTooLongForItsLock_IsRefused()
    {
        IOException refused = await Assert.ThrowsAsync<IOException>(() => BindAsync(PathOf(new string('s', 252))));
        Assert.Equal(ENAMETOOLONG, refused.HResult);
    }

    [Fact]
    public async Task Bind_PathOfRawBytes_Serves()
    {
        byte[] path = [.. Encoding.UTF8.GetBytes(Folder), (byte)'/', 0xff, 0xfe];
        await using (await UnixStreamListener.BindAsync(Loop, UnixSocketAddress.FromPath(path)).WaitAsync(TestTimeout))
        {
            Assert.Equal(0, Libc.Stat(AT_FDCWD, path, out FileStatus status).Errno);
            Assert.Equal(Libc.SocketFile, status.Type);
        }
        Assert.Equal(ENOENT, Libc.Stat(AT_FDCWD, path, out _).Errno);
        // .NET can't name it.
        Assert.Equal(0, Libc.Unlink(AT_FDCWD, [.. path, .. ".lock"u8]).Errno);
    }

    [Fact]
    public async Task Rule25_Close_RemovesTheFile()
    {
        UnixStreamListener listener = await BindAsync(SocketPath);
        listener.Close();
        Assert.False(IsSocket(SocketPath));
        await DisposeAsync(listener);
    }

    [Fact]
    public async Task Rule25_CloseWhenTheFileIsGone_IsNoError()
    {
        UnixStreamListener listener = await BindAsync(SocketPath);
        File.Delete(SocketPath);
        await DisposeAsync(listener);
    }

    [Fact]
    public async Task Rule25_CloseWhenTheFileIsAnothers_LeavesIt()
    {
        UnixStreamListener listener = await BindAsync(SocketPath);
        File.Delete(SocketPath);
        using UnixHandle other = RawSocket.Listening(SocketPath);
        await DisposeAsync(listener);
        RawSocket.Connected(SocketPath).Dispose();
        File.Delete(SocketPath);
    }

    [Fact]
    public async Task Rule25_CloseAfterTheDirectoryWasMoved_RemovesTheFileThere()
    {
        string folder = Directory.CreateDirectory(PathOf("old")).FullName;
        UnixStreamListener listener = await BindAsync(Path.Combine(folder, "app.sock"));
        Directory.Move(folder, PathOf("new"));
        await DisposeAsync(listener);
        Assert.False(IsSocket(Path.Combine(PathOf("new"), "app.sock")));
    }

    [Fact]
    public async Task Rule25_HandedInSocket_KeepsItsFile()
    {
        UnixStreamListener listener = UnixStreamListener.FromSocket(Loop, RawSocket.Bound(SocketPath));
        Assert.Equal(SocketPath, listener.LocalAddress.Path);
        RawSocket.Connected(SocketPath).Dispose();
        await DisposeAsync(listener);
        Assert.True(IsSocket(SocketPath));
        File.Delete(SocketPath);
    }

    [Fact]
    public async Task Rule25_SocketThatOthersShare_GoesOnListening()
    {
        using UnixHandle theirs = RawSocket.Listening(SocketPath);
        UnixHandle ours = new(PosixError.ThrowIfError(Libc.Fcntl(theirs.Descriptor, F_DUPFD_CLOEXEC), "fcntl"));
        await DisposeAsync(UnixStreamListener.FromSocket(Loop, ours));
        using UnixHandle client = RawSocket.Connected(SocketPath);
        new UnixHandle(PosixError.ThrowIfError(Libc.Accept(theirs.Descriptor), "accept4")).Dispose();
        File.Delete(SocketPath);
    }
}
