using System.IO.Pipelines;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.UnixSockets;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.SendFile;

/// <summary>sendfile among what else a connection does.</summary>
public sealed class SendFileOverConnectionTests : ConnectedSendFileTest
{
    private const int Mebibyte = 1024 * 1024;
    private static readonly byte[] Content = Pattern(2 * Mebibyte);

    [Theory, InlineData(5), InlineData(2 * Mebibyte)]
    public async Task SendFile_BetweenWrites_KeepsTheOrder(int before)
    {
        byte[] first = Pattern(before);
        using FileStream file = File.OpenRead(NewFile(Content));
        Task sending = SendAllAsync();
        byte[] received = await ReadUntil(sending).WaitAsync(TestTimeout);
        await sending;
        Assert.Equal([.. first, .. Content, .. "after"u8], received);

        async Task SendAllAsync()
        {
            // Written, and not yet flushed or sent: it still comes first.
            first.CopyTo(Connection.Output.GetSpan(first.Length));
            Connection.Output.Advance(first.Length);
            Assert.Equal(Content.Length, await Connection.SendFileAsync(file));
            await Connection.Output.WriteAsync("after"u8.ToArray());
            await Connection.Output.CompleteAsync();
        }
    }

    [Fact]
    public async Task SendFile_InProgress_RefusesWritesAndOtherFiles()
    {
        using FileStream file = File.OpenRead(NewFile(Content));
        using FileStream other = File.OpenRead(NewFile(Content));
        Task<long> sending = Connection.SendFileAsync(file);
        foreach (Action write in (Action[])
        [
            () => Connection.Output.GetSpan(),
            () => Connection.Output.GetMemory(),
            () => Connection.Output.FlushAsync().AsTask().Wait(),
            () => Connection.Output.WriteAsync(new byte[1]).AsTask().Wait(),
            () => Connection.Output.Complete(),
        ])
        {
            Assert.Contains(file.Name, Assert.Throws<InvalidOperationException>(write).Message, StringComparison.Ordinal);
        }
        InvalidOperationException refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => Connection.SendFileAsync(other));
        Assert.Contains(file.Name, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(0, other.Position);

        Assert.Equal(Content, await ReadUntil(sending).WaitAsync(TestTimeout));
        await Connection.Output.WriteAsync(new byte[1]); // allowed again
    }

    [Fact]
    public async Task SendFile_CanceledWhileWritesBeforeItAreQueued_ChangesNothing()
    {
        using FileStream file = File.OpenRead(NewFile(Content));
        using CancellationTokenSource cancel = new();
        ValueTask<FlushResult> writing = Connection.Output.WriteAsync(Content);
        Connection.Output.CancelPendingFlush(); // the bytes stay queued
        Assert.True((await writing).IsCanceled);
        Task<long> sending = Connection.SendFileAsync(file, cancellationToken: cancel.Token);
        cancel.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending.WaitAsync(TestTimeout));
        Task completing = Connection.Output.CompleteAsync().AsTask();
        Assert.Equal(Content, await ReadUntil(completing).WaitAsync(TestTimeout));
        await completing;
        Assert.Equal(0, file.Position);
    }

    [Fact]
    public async Task SendFile_Canceled_LeavesTheConnectionUsable()
    {
        using FileStream file = File.OpenRead(NewFile(Content));
        using CancellationTokenSource cancel = new();
        Task<long> sending = Connection.SendFileAsync(file, cancellationToken: cancel.Token);
        cancel.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending.WaitAsync(TestTimeout));
        long sent = file.Position;
        Task completing = Task.Run(async () =>
        {
            await Connection.Output.WriteAsync("after"u8.ToArray());
            await Connection.Output.CompleteAsync();
        });
        byte[] received = await ReadUntil(completing).WaitAsync(TestTimeout);
        Assert.Equal([.. Content[..(int)sent], .. "after"u8], received);
        await completing;
    }

    [Fact]
    public async Task SendFile_OutputCompleted_IsRefused()
    {
        using FileStream file = File.OpenRead(NewFile(Content));
        await Connection.Output.CompleteAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => Connection.SendFileAsync(file));
    }

    [Fact]
    public async Task SendFile_ConnectionAborted_FailsWithTheReason()
    {
        using FileStream file = File.OpenRead(NewFile(Content));
        Task<long> sending = Connection.SendFileAsync(file);
        InvalidTimeZoneException reason = new("because");
        Connection.Abort(reason);
        Assert.Same(reason, await Assert.ThrowsAsync<InvalidTimeZoneException>(() => sending.WaitAsync(TestTimeout)));
        byte[] received = await ReadUntil(sending).WaitAsync(TestTimeout);
        Assert.Equal(received.Length, file.Position);
        await Assert.ThrowsAnyAsync<Exception>(() => Connection.SendFileAsync(file));
    }

    [Fact]
    public async Task SendFile_ConnectionDisposed_EndsAndTheDisposalToo()
    {
        using FileStream file = File.OpenRead(NewFile(Content));
        Task<long> sending = Connection.SendFileAsync(file);
        await Connection.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        await Assert.ThrowsAnyAsync<Exception>(() => sending.WaitAsync(TestTimeout));
        Assert.Equal((await ReadUntil(sending).WaitAsync(TestTimeout)).Length, file.Position);
    }

    /// <summary>It was begun behind what was queued, and held the disposal up.</summary>
    [Fact]
    public async Task SendFile_DisposalIsWaitingForTheQueue_IsRefused()
    {
        int filled = ConnectionTest.Fill(Socket);
        await Connection.Output.WriteAsync("queued"u8.ToArray());
        Task disposal = Connection.DisposeAsync().AsTask();
        Assert.False(disposal.IsCompleted);
        using FileStream file = File.OpenRead(NewFile(Content));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Connection.SendFileAsync(file).WaitAsync(TestTimeout));
        byte[] received = await ReadUntil(disposal).WaitAsync(TestTimeout);
        Assert.Equal("queued"u8.ToArray(), received[filled..]);
    }

    [Fact]
    public async Task SendFile_LoopEnds_EndsToo()
    {
        using FileStream file = File.OpenRead(NewFile(Content));
        Task<long> sending = Connection.SendFileAsync(file);
        await Loop.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => sending.WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task SendFile_PeerClosesInTheMiddle_FailsAndSoDoesTheOutput()
    {
        using FileStream file = File.OpenRead(NewFile(Content));
        Task<long> sending = Connection.SendFileAsync(file);
        Eventually.True(() => Libc.Receive(Peer.Descriptor, new byte[1024]).Value == 1024, "the first bytes");
        Peer.Dispose();
        IOException error = await Assert.ThrowsAsync<IOException>(() => sending.WaitAsync(TestTimeout));
        Assert.Equal(EPIPE, error.HResult);
        Assert.InRange(file.Position, 1024, Content.Length - 1);
        await Assert.ThrowsAsync<IOException>(async () => await Connection.Output.WriteAsync(new byte[1]));
    }

    [Fact]
    public async Task SendFile_PeerClosesAfterTheLastByte_IsNoError()
    {
        using FileStream file = File.OpenRead(NewFile(Content));
        Task<long> sending = Connection.SendFileAsync(file);
        Task<byte[]> reading = Task.Run(() =>
        {
            byte[] all = new byte[Content.Length];
            int at = 0;
            Eventually.True(
                () =>
                {
                    for (PosixResult read; at < all.Length && (read = Libc.Receive(Peer.Descriptor, all.AsSpan(at))).Value > 0;)
                        at += read.IntValue;
                    return at == all.Length;
                },
                "the whole file");
            Peer.Dispose();
            return all;
        });
        Assert.Equal(Content.Length, await sending.WaitAsync(TestTimeout));
        Assert.Equal(Content, await reading.WaitAsync(TestTimeout));
        Assert.Equal(Content.Length, file.Position);
    }

    [Fact]
    public async Task Rule29_WhileALargeFileIsSent_OthersAreServed()
    {
        PosixError.ThrowIfError(Libc.UnixSocketPair(SOCK_STREAM, out int ours, out int theirs), "socketpair");
        await using UnixStreamConnection one = UnixStreamConnection.FromSocket(Loop, new UnixHandle(ours));
        await using UnixStreamConnection other = UnixStreamConnection.FromSocket(Loop, new UnixHandle(theirs));
        using FileStream file = File.OpenRead(NewFile(Pattern(32 * Mebibyte)));
        Task<long> sending = Connection.SendFileAsync(file);
        Task<byte[]> reading = ReadUntil(sending);
        int rounds = 0;
        do
        {
            await one.Output.WriteAsync(new byte[1]);
            ReadResult read = await other.Input.ReadAsync().AsTask().WaitAsync(TestTimeout);
            other.Input.AdvanceTo(read.Buffer.End);
            rounds++;
        }
        while (!sending.IsCompleted);
        await reading.WaitAsync(TestTimeout);
        Assert.InRange(rounds, 2, int.MaxValue);
    }
}
