using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using UnixLoop.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets;

/// <summary>What a <see cref="PipeReader"/> promises, held by the connection's own.</summary>
public sealed class ConnectionReaderTests() : OneConnectionTest(new() { InputHighWaterMark = 100_000, InputLowWaterMark = 50_000 })
{
    private PipeReader Reader => Connection.Input;

    private async Task<ReadResult> ReadAsync() => await Reader.ReadAsync().AsTask().WaitAsync(TestTimeout);

    private async Task<ReadResult> ReadAtLeastAsync(int count) => await Reader.ReadAtLeastAsync(count).AsTask().WaitAsync(TestTimeout);

    private static string Text(ReadResult result) => Encoding.UTF8.GetString(result.Buffer.ToArray());

    [Fact]
    public async Task AdvanceTo_ExaminedAll_WaitsForMore()
    {
        Send(Peer, "abc");
        ReadResult first = await ReadAtLeastAsync(3);
        Reader.AdvanceTo(first.Buffer.GetPosition(1), first.Buffer.End);
        Task<ReadResult> next = ReadAsync();
        Assert.False(Reader.ToString()!.Length == 0 || next.IsCompleted);
        Send(Peer, "d");
        Assert.Equal("bcd", Text(await next));
        Reader.AdvanceTo((await next).Buffer.End);
    }

    [Fact]
    public async Task AdvanceTo_ExaminedPart_GivesTheRestAtOnce()
    {
        Send(Peer, "abc");
        ReadResult first = await ReadAtLeastAsync(3);
        Reader.AdvanceTo(first.Buffer.GetPosition(1), first.Buffer.GetPosition(2));
        Assert.True(Reader.TryRead(out ReadResult second));
        Assert.Equal("bc", Text(second));
        Reader.AdvanceTo(second.Buffer.Start, second.Buffer.End);
        Assert.False(Reader.TryRead(out _));
    }

    [Fact]
    public async Task AdvanceTo_AcrossSegments_KeepsTheRest()
    {
        byte[] sent = Pattern(90_000);
        Send(Peer, sent);
        for (int consumed = 0; consumed < sent.Length;)
        {
            ReadResult read = await ReadAsync();
            int take = (int)Math.Min(7001, read.Buffer.Length);
            Assert.Equal(sent[consumed..(consumed + take)], read.Buffer.Slice(0, take).ToArray());
            Reader.AdvanceTo(read.Buffer.GetPosition(take));
            consumed += take;
        }
    }

    [Fact]
    public async Task AdvanceTo_Misused_Throws()
    {
        Assert.Throws<InvalidOperationException>(() => Reader.AdvanceTo(default));
        Send(Peer, "abc");
        ReadResult read = await ReadAtLeastAsync(3);
        Assert.Throws<InvalidOperationException>(() => Reader.TryRead(out _));
        var foreign = new ReadOnlySequence<byte>(new byte[3]);
        Assert.Throws<ArgumentOutOfRangeException>(() => Reader.AdvanceTo(foreign.End));
        Assert.Throws<ArgumentOutOfRangeException>(() => Reader.AdvanceTo(read.Buffer.End, read.Buffer.Start));
        Reader.AdvanceTo(read.Buffer.End);
    }

    [Fact]
    public async Task ReadAsync_Concurrent_Throws()
    {
        Task<ReadResult> pending = ReadAsync();
        Assert.Throws<InvalidOperationException>(() => Reader.TryRead(out _));
        await Assert.ThrowsAsync<InvalidOperationException>(ReadAsync);
        Send(Peer, "x");
        Reader.AdvanceTo((await pending).Buffer.End);
    }

    [Fact]
    public async Task CancelPendingRead_PendingOrNext_IsCanceledOnce()
    {
        Task<ReadResult> pending = ReadAsync();
        Reader.CancelPendingRead();
        ReadResult canceled = await pending;
        Assert.True(canceled.IsCanceled);
        Reader.AdvanceTo(canceled.Buffer.End);

        Reader.CancelPendingRead();
        Send(Peer, "data");
        canceled = await ReadAsync();
        Assert.True(canceled.IsCanceled);
        Reader.AdvanceTo(canceled.Buffer.Start);
        Assert.Equal("data", await ReadTextAsync(Reader, 4));
    }

    [Fact]
    public async Task ReadAsync_TokenCancelled_ThrowsAndLosesNothing()
    {
        using var source = new CancellationTokenSource();
        Task<ReadResult> pending = Reader.ReadAsync(source.Token).AsTask();
        await source.CancelAsync();
        OperationCanceledException canceled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pending.WaitAsync(TestTimeout));
        Assert.Equal(source.Token, canceled.CancellationToken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Reader.ReadAsync(source.Token).AsTask());
        Send(Peer, "data");
        Assert.Equal("data", await ReadTextAsync(Reader, 4));
    }

    [Fact]
    public async Task Complete_WhilePending_EndsTheReadAndThePeersWrites()
    {
        Task<ReadResult> pending = ReadAsync();
        Reader.Complete();
        await Assert.ThrowsAsync<InvalidOperationException>(() => pending);
        await Assert.ThrowsAsync<InvalidOperationException>(ReadAsync);
        Assert.Equal(EPIPE, Libc.Send(Peer.Descriptor, [1]).Errno);
        await Connection.Output.WriteAsync("still"u8.ToArray());
        Assert.Equal("still", ReceiveText(Peer, 5));
    }

    [Fact]
    public async Task WaterMarks_SlowReader_HoldsTheSenderBackAndGoesOn()
    {
        byte[] sent = Pattern(2_000_000);
        Task send = Task.Run(() => Send(Peer, sent));
        Eventually.True(() => Connection.ToString().Contains("paused", StringComparison.Ordinal), "reading is paused");
        Assert.False(send.IsCompleted);
        Assert.Equal(0, await CountIdleTurnsAsync());
        var all = new MemoryStream();
        while (all.Length < sent.Length)
        {
            ReadResult read = await ReadAsync();
            Assert.InRange(read.Buffer.Length, 1, 100_000 + (256 * 1024) + (64 * 1024));
            foreach (ReadOnlyMemory<byte> segment in read.Buffer)
                all.Write(segment.Span);
            Reader.AdvanceTo(read.Buffer.End);
        }
        await send.WaitAsync(TestTimeout);
        Assert.Equal(sent, all.ToArray());
    }

    [Fact]
    public async Task WaterMarks_ReaderThatNeedsMore_GetsItByExamining()
    {
        byte[] sent = Pattern(500_000);
        Task send = Task.Run(() => Send(Peer, sent));
        ReadResult all = await ReadAtLeastAsync(sent.Length);
        Assert.Equal(sent, all.Buffer.ToArray());
        Reader.AdvanceTo(all.Buffer.End);
        await send.WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task CopyToAsync_AndAsStream_GiveAllBytes()
    {
        byte[] sent = Pattern(300_000);
        Task send = Task.Run(() =>
        {
            Send(Peer, sent);
            Libc.Shutdown(Peer.Descriptor, SHUT_WR);
        });
        byte[] head = new byte[10];
        await Reader.AsStream(leaveOpen: true).ReadExactlyAsync(head).AsTask().WaitAsync(TestTimeout);
        var rest = new MemoryStream();
        await Reader.CopyToAsync(rest).WaitAsync(TestTimeout);
        await send.WaitAsync(TestTimeout);
        Assert.Equal(sent, head.Concat(rest.ToArray()).ToArray());
    }

    [Fact]
    public async Task Rule02_PausedAndPeerGone_NoTurnsThenAllDataThenTheEnd()
    {
        byte[] sent = Pattern(150_000);
        Send(Peer, sent);
        Eventually.True(() => Connection.ToString().Contains("paused", StringComparison.Ordinal), "reading is paused");
        Peer.Dispose();
        Assert.InRange(await CountIdleTurnsAsync(), 0, 1); // one, if the peer's end is told only now
        Assert.Equal(0, await CountIdleTurnsAsync());
        Assert.Equal(sent, await ReadToEndAsync(Reader));
        await ClosedAsync(Connection);
    }

    [Fact]
    public async Task Rule26_PeerClosedWithUnreadData_IsAResetAfterAllBytes()
    {
        await Connection.Output.WriteAsync("unread"u8.ToArray());
        Send(Peer, "last");
        Peer.Dispose();
        Assert.Equal("last", await ReadTextAsync(Reader, 4));
        IOException reset = await Assert.ThrowsAsync<IOException>(ReadAsync);
        Assert.Equal(ECONNRESET, reset.HResult);
        Assert.Contains("ECONNRESET", reset.Message, StringComparison.Ordinal);
        await ClosedAsync(Connection);
    }

    [Fact]
    public async Task Rule26_AbortWithUnreadData_IsAResetForThePeer()
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection(new() { InputHighWaterMark = 0, InputLowWaterMark = 0 });
        using (peer)
        {
            await connection.Output.WriteAsync("sent"u8.ToArray());
            Send(peer, "read");
            Eventually.True(() => connection.ToString().Contains("paused", StringComparison.Ordinal), "reading is paused");
            Send(peer, "unread"); // stays in the kernel: nobody reads any more
            connection.Abort();
            Assert.Equal("sent", ReceiveText(peer, 4));
            Assert.Equal(ECONNRESET, ReceiveEnd(peer).Errno);
            Assert.Equal((0, 0L), (ReceiveEnd(peer).Errno, ReceiveEnd(peer).Value)); // told once, then the end
            await ClosedAsync(connection);
            await connection.DisposeAsync();
        }
    }

    [Fact]
    public async Task Rule26_AbortWithNothingUnread_IsAPlainEndForThePeerAndTheQueueIsDropped()
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection();
        using (peer)
        {
            Task blocked = connection.Output.WriteAsync(new byte[4_000_000]).AsTask();
            Assert.False(blocked.IsCompleted);
            connection.Abort();
            byte[] received = Receive(peer, 4_000_000); // up to the end, which is no error
            Assert.InRange(received.Length, 1, 3_999_999);
            Assert.Equal((0, 0L), (ReceiveEnd(peer).Errno, ReceiveEnd(peer).Value));
            await Assert.ThrowsAsync<IOException>(() => blocked.WaitAsync(TestTimeout));
            await connection.DisposeAsync();
        }
    }
}
