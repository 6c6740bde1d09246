using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.Loops;
using UnixLoop.Transports;
using UnixLoop.Transports.SendFile;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.SendFile;

/// <summary>A loop, a file in a folder of the test's own, and two connected sockets.</summary>
public abstract class SendFileTest : LoopTest
{
    private readonly string _folder = Directory.CreateTempSubdirectory("unixloop-sendfile-").FullName;

    internal UnixHandle Peer { get; private set; } = null!;

    internal UnixHandle Socket { get; private set; } = null!;

    internal PlainOutput Output { get; private set; } = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        PosixError.ThrowIfError(Libc.UnixSocketPair(SOCK_STREAM, out int ours, out int theirs), "socketpair");
        (Socket, Peer) = (new UnixHandle(ours), new UnixHandle(theirs));
        Output = new PlainOutput(Loop, Socket);
    }

    public override async ValueTask DisposeAsync()
    {
        Socket.Dispose();
        Peer.Dispose();
        Directory.Delete(_folder, recursive: true);
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Bytes of which each tells where it stands.</summary>
    internal static byte[] Pattern(int length)
    {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++)
            bytes[i] = (byte)(i ^ (i >> 8) ^ (i >> 16));
        return bytes;
    }

    internal string NewFile(byte[] content)
    {
        string path = Path.Combine(_folder, Guid.NewGuid().ToString("N"));
        File.WriteAllBytes(path, content);
        return path;
    }

    internal string NewPath() => Path.Combine(_folder, Guid.NewGuid().ToString("N"));

    internal Task<long> SendAsync(
        FileStream file, long offset = 0, long count = 0, SendFileFallback fallback = SendFileFallback.Allow, CancellationToken cancellationToken = default) =>
        FileTransfer.SendAsync(Output, new SentFile(file), offset, count, fallback, cancellationToken);

    internal Task<long> SendAsync(SafeFileHandle file, long offset = 0, long count = 0, CancellationToken cancellationToken = default) =>
        FileTransfer.SendAsync(Output, new SentFile(file), offset, count, SendFileFallback.Allow, cancellationToken);

    /// <summary>Reads what comes, on the pool, until <paramref name="until"/> has ended and nothing more is there.</summary>
    internal Task<byte[]> ReadUntil(Task until) => Task.Run(() =>
    {
        var all = new MemoryStream();
        byte[] buffer = new byte[256 * 1024];
        Eventually.True(
            () =>
            {
                bool ended = until.IsCompleted;
                PosixResult read;
                while ((read = Libc.Receive(Peer.Descriptor, buffer)).IsSuccess && read.Value > 0)
                    all.Write(buffer, 0, read.IntValue);
                return ended;
            },
            "the end of the transfer");
        return all.ToArray();
    });
}
