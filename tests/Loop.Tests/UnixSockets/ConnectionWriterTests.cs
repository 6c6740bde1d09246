using System.IO.Pipelines;
using UnixLoop.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets;

/// <summary>What a <see cref="PipeWriter"/> promises, held by the connection's own.</summary>
public sealed class ConnectionWriterTests : ConnectionTest, IAsyncLifetime
{
    private UnixStreamConnection _connection = null!;
    private UnixHandle _peer = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        (_connection, _peer) = NewConnection(new() { OutputHighWaterMark = 50_000, OutputLowWaterMark = 10_000, CloseTimeout = TimeSpan.Zero });
    }

    public override async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        _peer.Dispose();
        await base.DisposeAsync();
    }

    private PipeWriter Writer => _connection.Output;

    /// <summary>A flush that waits: the peer reads nothing.</summary>
    private Task<FlushResult> BlockedFlush() => Writer.WriteAsync(new byte[1_000_000]).AsTask();

    [Fact]
    public async Task FlushAsync_BelowTheHighMark_DoesNotWait()
    {
        while (Libc.Send(_connection.Descriptor, new byte[4096]).IsSuccess)
        {
        }
        Assert.True(Writer.WriteAsync(new byte[50_000]).AsTask().IsCompletedSuccessfully);
        Task<FlushResult> over = Writer.WriteAsync(new byte[1]).AsTask();
        Assert.False(over.IsCompleted);
        Writer.CancelPendingFlush();
        Assert.True((await over.WaitAsync(TestTimeout)).IsCanceled);
    }

    [Fact]
    public async Task FlushAsync_ManySmallWritesToAFullSocket_AreSentInOrder()
    {
        var options = new UnixStreamConnectionOptions { OutputHighWaterMark = 10_000_000, OutputLowWaterMark = 0 };
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection(options);
        await using (connection)
        using (peer)
        {
            byte[] sent = Pattern(1_500_000);
            for (int at = 0; at < sent.Length;)
            {
                int length = Math.Min(1 + (at % 3000), sent.Length - at);
                sent.AsSpan(at, length).CopyTo(connection.Output.GetSpan(length));
                connection.Output.Advance(length);
                await connection.Output.FlushAsync();
                at += length;
            }
            Assert.Equal(sent, Receive(peer, sent.Length));
            Assert.Equal(0, await CountIdleTurnsAsync());
        }
    }

    [Fact]
    public async Task FlushAsync_Pending_EndsAtTheLowMark()
    {
        Task<FlushResult> flush = BlockedFlush();
        Assert.False(flush.IsCompleted);
        await Assert.ThrowsAsync<InvalidOperationException>(() => Writer.FlushAsync().AsTask());
        Receive(_peer, 1_000_000);
        FlushResult result = await flush.WaitAsync(TestTimeout);
        Assert.False(result.IsCanceled || result.IsCompleted);
    }

    [Fact]
    public async Task FlushAsync_TokenCancelled_ThrowsAndKeepsTheBytes()
    {
        using var source = new CancellationTokenSource();
        Task<FlushResult> flush = Writer.WriteAsync(new byte[1_000_000], source.Token).AsTask();
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => flush.WaitAsync(TestTimeout));
        Assert.Equal(1_000_000, Receive(_peer, 1_000_000).Length);
    }

    [Fact]
    public async Task FlushAsync_PeerGoneWithBytesQueued_FailsWithEpipe()
    {
        Task<FlushResult> flush = BlockedFlush();
        _peer.Dispose();
        IOException lost = await Assert.ThrowsAsync<IOException>(() => flush.WaitAsync(TestTimeout));
        Assert.True(lost.HResult == EPIPE || lost.HResult == ECONNRESET, lost.Message);
        await ClosedAsync(_connection);
    }

    [Fact]
    public async Task Write_AfterLoss_WarnsFromTheFifthOn()
    {
        _peer.Dispose();
        for (int write = 1; write <= 6; write++)
            await Assert.ThrowsAsync<IOException>(() => Writer.WriteAsync(new byte[1]).AsTask());
        Eventually.True(() => Log.GetSnapshot().Any(entry => entry.Id.Name == "ConnectionWriteAfterLoss"), "the line, which the loop may be writing");
    }

    [Fact]
    public async Task Complete_WithUnflushedBytes_SendsThem()
    {
        "abc"u8.CopyTo(Writer.GetSpan(3));
        Writer.Advance(3);
        Writer.Complete();
        Assert.Equal("abc", ReceiveText(_peer, 3));
        Assert.Equal(0, ReceiveEnd(_peer).IntValue);
        Assert.Throws<InvalidOperationException>(() => Writer.GetMemory());
        await Assert.ThrowsAsync<InvalidOperationException>(() => Writer.FlushAsync().AsTask());
    }

    [Fact]
    public async Task CompleteAsync_QueuedBytes_EndsOnceTheyAreSent()
    {
        Task<FlushResult> flush = BlockedFlush();
        Task completion = Writer.CompleteAsync().AsTask();
        Assert.False(completion.IsCompleted);
        Receive(_peer, 1_000_000);
        await completion.WaitAsync(TestTimeout);
        await flush.WaitAsync(TestTimeout);
        Assert.Equal(0, ReceiveEnd(_peer).IntValue);
    }

    [Fact]
    public async Task Complete_WithAnException_AbortsTheConnection()
    {
        var reason = new InvalidDataException("half a message");
        Writer.GetSpan(1)[0] = 1;
        Writer.Advance(1);
        Writer.Complete(reason);
        await ClosedAsync(_connection);
        Assert.Equal(0, ReceiveEnd(_peer).IntValue);
        Assert.Same(reason, await Assert.ThrowsAsync<InvalidDataException>(() => _connection.Input.ReadAsync().AsTask()));
    }

    [Fact]
    public async Task Advance_MoreThanAskedFor_Throws()
    {
        int room = Writer.GetMemory(10).Length;
        Assert.Throws<ArgumentOutOfRangeException>(() => Writer.Advance(room + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Writer.Advance(-1));
        Assert.True(Writer.CanGetUnflushedBytes);
        Writer.Advance(3);
        Assert.True(Writer.GetMemory(100_000).Length >= 100_000);
        Writer.Advance(100_000);
        Assert.Equal(100_003, Writer.UnflushedBytes);
        await Writer.FlushAsync();
        Assert.Equal(100_003, Receive(_peer, 100_003).Length);
    }

    [Fact]
    public async Task WriteAsync_Nothing_MakesNoCall()
    {
        await Writer.WriteAsync(ReadOnlyMemory<byte>.Empty);
        Assert.Equal(0, _connection.GetStatistics().Writes);
        Assert.Null(_connection.GetStatistics().LastWriteAt);
    }

    [Fact]
    public async Task GetStatistics_WrittenToInTheTurnThatMadeIt_HasNoWriteBeforeTheConnection()
    {
        UnixStreamConnection? made = null;
        UnixHandle? peer = null;
        await Loop.InvokeAsync(() =>
        {
            (made, peer) = NewConnection(new());
            Assert.True(made.Output.WriteAsync(new byte[1]).AsTask().IsCompletedSuccessfully);
        }).WaitAsync(TestTimeout);
        UnixStreamConnectionStatistics statistics = made!.GetStatistics();
        Assert.True(statistics.LastWriteAt >= statistics.ConnectedAt, $"{statistics.LastWriteAt:O} is before {statistics.ConnectedAt:O}.");
        await made.DisposeAsync();
        peer!.Dispose();
    }

    [Fact]
    public async Task CancelPendingFlush_BeforeAWriteThatTheSocketTakesAtOnce_IsToldByItOnce()
    {
        Writer.CancelPendingFlush();
        Assert.True((await Writer.WriteAsync(new byte[1])).IsCanceled);
        Assert.False((await Writer.WriteAsync(new byte[1])).IsCanceled);
        Assert.Equal(2, Receive(_peer, 2).Length);
    }
}
