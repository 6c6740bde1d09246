using UnixLoop.Interop;
using UnixLoop.Loop.Tests.Loops;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets.Listening;

/// <summary>A loop and a folder of the test's own, in which nothing but lock files may be left.</summary>
public abstract class ListenerTest : LoopTest
{
    private readonly string _folder = Directory.CreateTempSubdirectory("unixloop-").FullName;

    protected string Folder => _folder;

    protected string PathOf(string name) => Path.Combine(_folder, name);

    /// <summary>The usual one.</summary>
    protected string SocketPath => PathOf("app.sock");

    protected Task<UnixStreamListener> BindAsync(string path, UnixStreamListenerOptions? options = null) =>
        UnixStreamListener.BindAsync(Loop, AddressOf(path), options, TestContext.Current.CancellationToken).WaitAsync(TestTimeout);

    protected static UnixSocketAddress AddressOf(string path) =>
        path[0] == '@' ? UnixSocketAddress.FromAbstractName(path[1..]) : UnixSocketAddress.FromPath(path);

    protected static async Task<UnixStreamConnection?> AcceptAsync(UnixStreamListener listener) =>
        await listener.AcceptAsync().AsTask().WaitAsync(TestTimeout);

    protected static async Task DisposeAsync(IAsyncDisposable disposable) => await disposable.DisposeAsync().AsTask().WaitAsync(TestTimeout);

    /// <summary>The bind is refused as "in use", and its error says who by.</summary>
    protected async Task<IOException> AssertInUseAsync(string path, string because, UnixStreamListenerOptions? options = null)
    {
        IOException refused = await Assert.ThrowsAsync<IOException>(() => BindAsync(path, options));
        Assert.Equal(EADDRINUSE, refused.HResult);
        Assert.StartsWith($"EADDRINUSE: can't bind '{path}'", refused.Message, StringComparison.Ordinal);
        Assert.True(refused.Message.Contains(because, StringComparison.Ordinal), refused.Message);
        return refused;
    }

    internal static FileStatus StatusOf(string path)
    {
        PosixError.ThrowIfError(Libc.Stat(AT_FDCWD, System.Text.Encoding.UTF8.GetBytes(path), out FileStatus status), path);
        return status;
    }

    internal static bool IsSocket(string path) =>
        Libc.Stat(AT_FDCWD, System.Text.Encoding.UTF8.GetBytes(path), out FileStatus status).IsSuccess && status.Type == Libc.SocketFile;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        string[] left = [.. Directory.EnumerateFileSystemEntries(_folder, "*", SearchOption.AllDirectories)
            .Where(entry => !entry.EndsWith(".lock", StringComparison.Ordinal) && !Directory.Exists(entry))];
        string[] folders = Directory.GetDirectories(_folder, ".unixloop-*");
        Directory.Delete(_folder, recursive: true);
        Assert.Empty(left);
        Assert.Empty(folders);
        GC.SuppressFinalize(this);
    }
}
