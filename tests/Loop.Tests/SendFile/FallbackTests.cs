using UnixLoop.Interop;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.SendFile;

/// <summary>Regular files that sendfile(2) refuses, and a socket that is full before the first byte (cpython: sendfile_offset, os_error_first_call, blocking_error).</summary>
public sealed class FallbackTests : SendFileTest
{
    /// <summary>A regular file, always the same, that has read(2) alone: sendfile(2) says EINVAL.</summary>
    private const string Unsendable = "/proc/self/auxv";

    private static readonly byte[] Content = File.ReadAllBytes(Unsendable);

    public static TheoryData<long, long> Parts => new()
    {
        { 0, 0 }, { 0, 100 }, { 77, 0 }, { 77, 100 }, { Content.Length - 1, 100 }, { Content.Length, 0 },
    };

    [Theory, MemberData(nameof(Parts))]
    public async Task Send_KernelRefusesTheFile_IsCopiedAndThePositionIsAtItsEnd(long offset, long count)
    {
        using FileStream file = new(Unsendable, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        AssertUnsendable(file);
        file.Position = 33; // elsewhere: it must not matter
        Task<long> sending = SendAsync(file, offset, count);
        byte[] received = await ReadUntil(sending).WaitAsync(TestTimeout);
        byte[] expected = [.. Content.Skip((int)offset).Take(count == 0 ? int.MaxValue : (int)count)];
        Assert.Equal(expected.Length, await sending);
        Assert.Equal(expected, received);
        Assert.Equal(offset + expected.Length, file.Position);
    }

    [Fact]
    public async Task Send_KernelRefusesTheFileAndFallbackForbidden_IsNotSupportedAndNothingIsSent()
    {
        using FileStream file = new(Unsendable, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        AssertUnsendable(file);
        NotSupportedException refusal = await Assert.ThrowsAsync<NotSupportedException>(() => SendAsync(file, 0, 0, SendFileFallback.Forbid).WaitAsync(TestTimeout));
        Assert.Contains("EINVAL: sendfile", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(0, file.Position);
        Assert.Equal(0, Output.Sent);
        Assert.False(Output.HasOperation);
        Assert.Empty(await ReadUntil(Task.CompletedTask));
    }

    [Fact]
    public async Task Send_SocketFullBeforeTheFirstByte_WaitsForRoomAndThenSendsAll()
    {
        int filled = FillSocket();
        byte[] content = Pattern(100_000);
        using FileStream file = File.OpenRead(NewFile(content));
        Task<long> sending = SendAsync(file, fallback: SendFileFallback.Forbid);
        Eventually.True(() => Output.IsWatched, "it waits for room");
        Assert.False(sending.IsCompleted);
        byte[] received = await ReadUntil(sending).WaitAsync(TestTimeout);
        Assert.Equal(content.Length, await sending);
        Assert.Equal(content, received[filled..]);
        Assert.Equal(content.Length, file.Position);
        Assert.False(Output.IsWatched);
    }

    [Fact]
    public async Task Send_CancelledBeforeTheFirstByte_LeavesThePositionAtTheOffset()
    {
        int filled = FillSocket();
        using FileStream file = File.OpenRead(NewFile(Pattern(100_000)));
        file.Position = 42;
        using CancellationTokenSource cancel = new();
        Task<long> sending = SendAsync(file, offset: 10, cancellationToken: cancel.Token);
        Eventually.True(() => Output.IsWatched, "it waits for room");
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending.WaitAsync(TestTimeout));
        Assert.Equal(10, file.Position);
        Assert.Equal(0, Loop.GetStatistics().WatchedDescriptors);
        Assert.Equal(filled, (await ReadUntil(Task.CompletedTask)).Length);
    }

    /// <summary>Should a kernel learn to send it, these tests prove nothing any more.</summary>
    private void AssertUnsendable(FileStream file)
    {
        PosixResult sent = Libc.SendFile(Socket.Descriptor, (int)file.SafeFileHandle.DangerousGetHandle(), 0, 1);
        Requires.That(sent.Errno == Tmds.Linux.LibC.EINVAL, $"a kernel whose sendfile(2) refuses {Unsendable}");
    }

    private int FillSocket()
    {
        int total = 0;
        for (PosixResult sent; (sent = Libc.Send(Socket.Descriptor, new byte[4096])).IsSuccess; total += sent.IntValue)
        {
        }
        return total;
    }
}
