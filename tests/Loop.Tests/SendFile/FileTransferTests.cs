using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using UnixLoop.Transports;
using UnixLoop.Transports.SendFile;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.SendFile;

public sealed class FileTransferTests : SendFileTest
{
    private const int Mebibyte = 1024 * 1024;
    private static readonly byte[] Content = Pattern(3 * Mebibyte + 17);

    public static TheoryData<long, long> Parts => new()
    {
        { 0, 0 }, { 0, 1 }, { 1000, 0 }, { 1000, 2 * Mebibyte }, { Content.Length, 0 }, { Content.Length - 1, 100 }, { Content.Length + 10, 0 }, { 0, Content.Length },
    };

    [Theory, MemberData(nameof(Parts))]
    public async Task Send_PartOfAFile_ArrivesAndThePositionIsAtItsEnd(long offset, long count)
    {
        using FileStream file = File.OpenRead(NewFile(Content));
        file.Position = 4711; // elsewhere: it must not matter
        Task<long> sending = SendAsync(file, offset, count, SendFileFallback.Forbid);
        byte[] received = await ReadUntil(sending).WaitAsync(TestTimeout);
        byte[] expected = [.. Content.Skip((int)offset).Take(count == 0 ? int.MaxValue : (int)count)];
        Assert.Equal(expected.Length, await sending);
        Assert.Equal(expected, received);
        Assert.Equal(offset + expected.Length, file.Position);
        Assert.Equal(expected.Length, Output.Sent);
    }

    [Theory, MemberData(nameof(Parts))]
    public async Task Send_PartByHandle_LeavesTheDescriptionsPositionAtItsEnd(long offset, long count)
    {
        using SafeFileHandle file = File.OpenHandle(NewFile(Content));
        Task<long> sending = SendAsync(file, offset, count);
        await ReadUntil(sending).WaitAsync(TestTimeout);
        using var position = new FileStream(file, FileAccess.Read);
        Assert.Equal(offset + await sending, position.Position);
    }

    [Fact]
    public async Task Send_EmptyFile_IsZeroAtOnce()
    {
        using FileStream file = File.OpenRead(NewFile([]));
        Assert.Equal(0, await SendAsync(file).WaitAsync(TestTimeout));
        Assert.False(Output.HasOperation);
    }

    [Fact]
    public async Task Send_FileWithUnflushedWrites_SendsThemToo()
    {
        using FileStream file = new(NewPath(), FileMode.CreateNew, FileAccess.ReadWrite);
        file.Write("hello"u8);
        Task<long> sending = SendAsync(file);
        Assert.Equal("hello"u8.ToArray(), await ReadUntil(sending).WaitAsync(TestTimeout));
        Assert.Equal(5, file.Position);
    }

    [Fact]
    public async Task Rule29_LargeFile_SendsAtMost256KibibytesATurn()
    {
        // A socket that takes the whole file at once, and nobody who reads: what each turn added can be told.
        Requires.That(SendFileLibc.TryGrowSendBuffer(Socket, 64 * Mebibyte), "CAP_NET_ADMIN");
        using FileStream file = File.OpenRead(NewFile(Content));
        List<int> queued = [];
        Output.OnTurn = () => queued.Add(SendFileLibc.Queued(Peer));
        Assert.Equal(Content.Length, await SendAsync(file).WaitAsync(TestTimeout));
        queued.Add(SendFileLibc.Queued(Peer));
        Assert.Equal(Content.Length, queued[^1]);
        int[] shares = [.. queued.Zip(queued.Prepend(0), static (now, before) => now - before)]; // the first is the caller's
        Assert.All(shares, share => Assert.InRange(share, 0, 256 * 1024));
        Assert.Contains(256 * 1024, shares);
    }

    [Theory, InlineData("/proc/filesystems"), InlineData("/proc/self/limits"), InlineData("/sys/kernel/mm/transparent_hugepage/enabled")]
    public async Task Rule29_FilesThatSayTheyAreEmpty_AreSent(string path)
    {
        Requires.That(File.Exists(path), path);
        using FileStream file = File.OpenRead(path);
        Task<long> sending = SendAsync(file);
        byte[] received = await ReadUntil(sending).WaitAsync(TestTimeout);
        await sending;
        using FileStream again = File.OpenRead(path);
        var expected = new MemoryStream();
        again.CopyTo(expected);
        Assert.Equal(expected.ToArray(), received);
        Assert.Equal(received.Length, file.Position);
    }

    [Fact]
    public void Rule29_PageCache_TellsWhatWouldHaveToBeRead()
    {
        using SafeFileHandle file = File.OpenHandle(NewFile(Content), access: FileAccess.ReadWrite);
        int descriptor = (int)file.DangerousGetHandle();
        PageCache cache = default;
        Assert.True(cache.Has(descriptor, 0, FileTransfer.BytesPerTurn), "what was just written is in the cache");
        Assert.True(cache.Has(descriptor, Content.Length, 1), "the end needs no disk");

        // tmpfs keeps its pages.
        Requires.That(new DriveInfo(Path.GetTempPath()).DriveFormat is not "tmpfs", "a temporary folder on a disk");
        RandomAccess.FlushToDisk(file);
        SendFileLibc.Advise(file, SendFileLibc.DontNeed);
        Assert.False(cache.Has(descriptor, 0, FileTransfer.BytesPerTurn), "nothing is there");

        // Without reading ahead: the beginning, and the last byte.
        SendFileLibc.Advise(file, SendFileLibc.Random);
        RandomAccess.Read(file, new byte[4096], Mebibyte);
        RandomAccess.Read(file, new byte[1], Mebibyte + FileTransfer.BytesPerTurn - 1);
        Assert.True(cache.Has(descriptor, Mebibyte, 4096), "the part that was read");
        Assert.False(cache.Has(descriptor, Mebibyte, FileTransfer.BytesPerTurn), "a hole in the middle");
        RandomAccess.Read(file, new byte[FileTransfer.BytesPerTurn], Mebibyte);
        Assert.True(cache.Has(descriptor, Mebibyte, FileTransfer.BytesPerTurn), "read meanwhile");
    }

    [Fact]
    public async Task Rule29_FileThatIsNotInTheCache_IsSentAllTheSame()
    {
        using FileStream file = new(NewFile(Content), FileMode.Open, FileAccess.ReadWrite);
        file.Flush(flushToDisk: true);
        SendFileLibc.Advise(file.SafeFileHandle, SendFileLibc.DontNeed);
        Task<long> sending = SendAsync(file, fallback: SendFileFallback.Forbid);
        Assert.Equal(Content, await ReadUntil(sending).WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task Send_NoRegularFileAndFallbackForbidden_IsRefusedBeforeTheOutputIsTaken()
    {
        using FileStream file = File.OpenRead("/dev/zero");
        NotSupportedException refusal = await Assert.ThrowsAsync<NotSupportedException>(() => SendAsync(file, count: 10, fallback: SendFileFallback.Forbid));
        Assert.Contains("'/dev/zero'", refusal.Message, StringComparison.Ordinal);
        Assert.False(Output.HasOperation);
    }

    [Fact]
    public async Task Send_Device_IsReadAndWritten()
    {
        using FileStream file = File.OpenRead("/dev/zero");
        Task<long> sending = SendAsync(file, count: 200_000);
        Assert.Equal(new byte[200_000], await ReadUntil(sending).WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task Send_Pipe_IsReadToItsEnd()
    {
        (UnixHandle read, UnixHandle write) = NewPipe();
        using SafeFileHandle file = Handle(read);
        Task<long> sending = SendAsync(file);
        Libc.Write(write.Descriptor, "one "u8);
        await ReadExactlyAsync(4);
        Libc.Write(write.Descriptor, "two"u8);
        await ReadExactlyAsync(3);
        Assert.False(sending.IsCompleted);
        write.Dispose();
        Assert.Equal(7, await sending.WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task Send_CanceledWhileASpecialFileHasNothing_LeavesNoRegistration()
    {
        (UnixHandle read, UnixHandle write) = NewPipe();
        using (write)
        using (SafeFileHandle file = Handle(read))
        {
            using CancellationTokenSource cancel = new();
            Task<long> sending = SendAsync(file, cancellationToken: cancel.Token);
            Eventually.True(() => Loop.GetStatistics().WatchedDescriptors == 1, "the pipe is watched");
            cancel.Cancel();
            OperationCanceledException canceled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending.WaitAsync(TestTimeout));
            Assert.Equal(cancel.Token, canceled.CancellationToken);
            Assert.Equal(0, Loop.GetStatistics().WatchedDescriptors);
            Assert.False(Output.HasOperation);
        }
    }

    [Fact]
    public void Send_Directory_IsRefused()
    {
        int directory = PosixError.ThrowIfError(Libc.Open(Path.GetTempPath(), O_RDONLY), "open");
        using SafeFileHandle file = new(directory, ownsHandle: true); // opened here
        Assert.Contains("directory", Assert.Throws<ArgumentException>(() => new SentFile(file)).Message, StringComparison.Ordinal);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Send_CanceledWhileTheSocketIsFull_LeavesNoRegistrationAndThePositionAtWhatWasSent(bool fallback)
    {
        using FileStream file = File.OpenRead(NewFile(Content));
        using CancellationTokenSource cancel = new();
        Task<long> sending = fallback
            ? SendAsync(SpecialFile(), cancellationToken: cancel.Token)
            : SendAsync(file, 100, 0, SendFileFallback.Forbid, cancel.Token);
        Eventually.True(() => Output.IsWatched, "it waits for room");
        await SettleAsync();
        cancel.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending.WaitAsync(TestTimeout));
        Assert.Equal(0, Loop.GetStatistics().WatchedDescriptors);
        byte[] received = await ReadUntil(Task.CompletedTask);
        Assert.Equal(received.Length, Output.Sent);
        Assert.Null(Output.Failure); // what is sent stays sent, and the output can be used
        if (!fallback)
            Assert.Equal(100 + received.Length, file.Position);

        // Endless, and neither a regular file nor one that can be polled.
        SafeFileHandle SpecialFile() => File.OpenHandle("/dev/zero");
    }

    [Fact]
    public async Task Send_CanceledBefore_TouchesNothing()
    {
        using FileStream file = File.OpenRead(NewFile(Content));
        file.Position = 42;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => SendAsync(file, cancellationToken: new CancellationToken(canceled: true)));
        Assert.Equal(42, file.Position);
        Assert.Empty(await ReadUntil(Task.CompletedTask));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Send_PeerClosesInTheMiddle_IsAnErrorAndThePositionBetween(bool fallback)
    {
        using FileStream file = File.OpenRead(fallback ? "/dev/zero" : NewFile(Content));
        Task<long> sending = SendAsync(file);
        await ReadExactlyAsync(1024);
        Peer.Dispose();
        IOException error = await Assert.ThrowsAsync<IOException>(() => sending.WaitAsync(TestTimeout));
        Assert.Equal(EPIPE, error.HResult);
        Assert.Contains(file.Name, error.Message, StringComparison.Ordinal);
        Assert.Same(error, Output.Failure);
        Assert.InRange(Output.Sent, 1024, Content.Length - 1);
        if (!fallback)
            Assert.Equal(Output.Sent, file.Position);
    }

    [Fact]
    public async Task Send_ConnectionAborted_EndsWithItsError()
    {
        using FileStream file = File.OpenRead(NewFile(Content));
        Task<long> sending = SendAsync(file);
        Eventually.True(() => Output.IsWatched, "it waits for room");
        Output.Abort();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => sending.WaitAsync(TestTimeout));
        Assert.Equal((await ReadUntil(Task.CompletedTask)).Length, file.Position);
        Assert.Equal(0, Loop.GetStatistics().WatchedDescriptors);
    }

    [Fact]
    public async Task Send_FileShrinksMeanwhile_EndsWithWhatThereWas()
    {
        string path = NewFile(Content);
        using FileStream file = File.OpenRead(path);
        Task<long> sending = SendAsync(file);
        Eventually.True(() => Output.IsWatched, "it waits for room");
        using (FileStream shrunk = new(path, FileMode.Open, FileAccess.Write))
            shrunk.SetLength(Mebibyte);
        byte[] received = await ReadUntil(sending).WaitAsync(TestTimeout);
        Assert.Equal(received.Length, await sending);
        Assert.InRange(received.Length, Mebibyte / 4, Mebibyte);
    }

    [Fact]
    public async Task Send_CancelAtEveryMoment_KeepsTheBooks()
    {
        byte[] content = Pattern(600_000);
        string path = NewFile(content);
        for (int i = 0; i < 200; i++)
        {
            using FileStream file = File.OpenRead(path);
            using CancellationTokenSource cancel = new();
            Task<long> sending = SendAsync(file, cancellationToken: cancel.Token);
            Task<byte[]> reading = ReadUntil(sending);
            Thread.SpinWait(i * 100);
            cancel.Cancel();
            byte[] received = await reading.WaitAsync(TestTimeout);
            Assert.True(sending.IsCompletedSuccessfully || sending.IsCanceled, $"{sending.Exception}");
            Assert.Equal(received.Length, file.Position);
            Assert.Equal(content[..received.Length], received);
            if (sending.IsCompletedSuccessfully)
                Assert.Equal(content.Length, received.Length);
            Assert.Equal(0, Loop.GetStatistics().WatchedDescriptors);
        }
    }

    /// <summary>The loop's own handles are internal; a user has one of these.</summary>
    private static SafeFileHandle Handle(UnixHandle handle)
    {
        SafeFileHandle file = new(PosixError.ThrowIfError(Libc.Fcntl(handle.Descriptor, F_DUPFD_CLOEXEC), "fcntl"), ownsHandle: true); // duplicated here
        handle.Dispose();
        return file;
    }

    private Task ReadExactlyAsync(int count) => Task.Run(() => Eventually.True(
        () =>
        {
            PosixResult read = Libc.Receive(Peer.Descriptor, new byte[count]);
            count -= read.IsSuccess ? read.IntValue : 0;
            return count == 0;
        },
        "the bytes")).WaitAsync(TestTimeout);
}

internal static partial class SendFileLibc
{
    internal const int Random = 1; // POSIX_FADV_RANDOM, fcntl.h
    internal const int DontNeed = 4; // POSIX_FADV_DONTNEED
    private const int SocketLevel = 1; // SOL_SOCKET, asm-generic/socket.h
    private const int ForceSendBuffer = 32; // SO_SNDBUFFORCE
    private const nuint QueuedBytes = 0x541b; // FIONREAD, asm-generic/ioctls.h

    /// <summary>posix_fadvise(2) for a whole file.</summary>
    internal static void Advise(SafeFileHandle file, int advice) => Assert.Equal(0, posix_fadvise((int)file.DangerousGetHandle(), 0, 0, advice));

    /// <summary>Beyond what an ordinary user may have (socket(7), SO_SNDBUFFORCE).</summary>
    internal static unsafe bool TryGrowSendBuffer(UnixHandle socket, int bytes) => setsockopt(socket.Descriptor, SocketLevel, ForceSendBuffer, &bytes, sizeof(int)) == 0;

    /// <summary>How many bytes wait to be read (unix(7), SIOCINQ).</summary>
    internal static unsafe int Queued(UnixHandle socket)
    {
        int bytes;
        Assert.Equal(0, ioctl(socket.Descriptor, QueuedBytes, &bytes));
        return bytes;
    }

    [LibraryImport("libc")]
    private static partial int posix_fadvise(int file, long offset, long length, int advice);

    [LibraryImport("libc")]
    private static unsafe partial int setsockopt(int socket, int level, int name, int* value, uint length);

    [LibraryImport("libc")]
    private static unsafe partial int ioctl(int descriptor, nuint request, int* value);
}
