using System.IO.Pipelines;
using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.UnixSockets;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.SendFile;

/// <summary>Copies that end early and are begun again.</summary>
public sealed class RepeatedCopyTests : SendFileTest
{
    private UnixStreamConnection _connection = null!;
    private ReadPipe _pipe = null!;
    private SafeFileHandle _writeEnd = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _connection = UnixStreamConnection.FromSocket(Loop, Socket, new() { OutputHighWaterMark = 1024, OutputLowWaterMark = 512 });
        _pipe = ReadPipe.Create(Loop, out _writeEnd);
    }

    public override async ValueTask DisposeAsync()
    {
        _writeEnd.Dispose();
        await _pipe.DisposeAsync();
        _connection.Abort();
        await _connection.DisposeAsync();
        await base.DisposeAsync();
    }

    /// <summary>The block whose wait for room was cancelled stayed in the reader, though the writer had it: it came twice.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public async Task CopyTo_CancelledInTheWaitForRoom_EveryByteComesOnce(bool isAtEnd)
    {
        byte[] content = Pattern(60_000);
        Write(content);
        if (isAtEnd)
        {
            _writeEnd.Dispose();
            await _pipe.Completion.WaitAsync(TestTimeout);
        }
        ReadResult read = await _pipe.Input.ReadAtLeastAsync(content.Length).AsTask().WaitAsync(TestTimeout);
        _pipe.Input.AdvanceTo(read.Buffer.Start);
        int filled = ConnectionTest.Fill(Socket);
        using CancellationTokenSource cancel = new();
        Task first = _pipe.Input.CopyToAsync(_connection.Output, cancel.Token);
        Assert.False(first.IsCompleted);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first.WaitAsync(TestTimeout));

        Task again = Task.Run(async () =>
        {
            await _pipe.Input.CopyToAsync(_connection.Output);
            await _connection.Output.CompleteAsync();
        });
        _writeEnd.Dispose();
        byte[] received = await ReadUntil(again).WaitAsync(TestTimeout);
        await again;
        Assert.Equal(content, received[filled..]);
    }

    [Fact]
    public async Task CancelPendingRead_SpliceIsUnderWay_EndsItAndTheNextReadIsNotCancelled()
    {
        Task copying = _pipe.Input.CopyToAsync(_connection.Output);
        Write("one"u8);
        Assert.Equal("one", ConnectionTest.ReceiveText(Peer, 3));
        _pipe.Input.CancelPendingRead();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => copying.WaitAsync(TestTimeout));

        Write("two"u8);
        ReadResult read = await _pipe.Input.ReadAsync().AsTask().WaitAsync(TestTimeout);
        Assert.False(read.IsCanceled);
        Assert.Equal("two"u8.ToArray(), System.Buffers.BuffersExtensions.ToArray(read.Buffer));
        _pipe.Input.AdvanceTo(read.Buffer.End);
        await _connection.Output.WriteAsync("three"u8.ToArray());
        Assert.Equal("three", ConnectionTest.ReceiveText(Peer, 5));
    }

    /// <summary>What had been read is being copied: the cancel ends the copy where the splice would begin.</summary>
    [Fact]
    public async Task CancelPendingRead_WhileWhatWasReadIsCopied_EndsTheCopy()
    {
        (Task copying, int filled, byte[] content) = await BeginCopyOfWhatWasReadAsync();
        _pipe.Input.CancelPendingRead();
        byte[] received = await ReadUntil(copying).WaitAsync(TestTimeout);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => copying);
        Assert.Equal(content, received[filled..]);
        Write("two"u8);
        ReadResult read = await _pipe.Input.ReadAsync().AsTask().WaitAsync(TestTimeout);
        Assert.Equal((false, 3), (read.IsCanceled, read.Buffer.Length));
        _pipe.Input.AdvanceTo(read.Buffer.End);
    }

    /// <summary>The copy had another end, and the cancel was forgotten.</summary>
    [Fact]
    public async Task CancelPendingRead_CopyOfWhatWasReadFails_CancelsTheNextRead()
    {
        (Task copying, _, _) = await BeginCopyOfWhatWasReadAsync();
        _pipe.Input.CancelPendingRead();
        Peer.Dispose();
        await Assert.ThrowsAsync<IOException>(() => copying.WaitAsync(TestTimeout));
        ReadResult read = await _pipe.Input.ReadAsync().AsTask().WaitAsync(TestTimeout);
        Assert.True(read.IsCanceled);
        _pipe.Input.AdvanceTo(read.Buffer.End);
    }

    private async Task<(Task Copying, int Filled, byte[] Content)> BeginCopyOfWhatWasReadAsync()
    {
        byte[] content = Pattern(60_000);
        Write(content);
        ReadResult read = await _pipe.Input.ReadAtLeastAsync(content.Length).AsTask().WaitAsync(TestTimeout);
        _pipe.Input.AdvanceTo(read.Buffer.Start);
        int filled = ConnectionTest.Fill(Socket);
        Task copying = _pipe.Input.CopyToAsync(_connection.Output);
        Assert.False(copying.IsCompleted);
        return (copying, filled, content);
    }

    [Fact]
    public async Task CancelPendingRead_BeforeTheCopy_EndsItBeforeAByteIsMoved()
    {
        Write("one"u8);
        _pipe.Input.CancelPendingRead();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _pipe.Input.CopyToAsync(_connection.Output).WaitAsync(TestTimeout));
        Task copying = _pipe.Input.CopyToAsync(_connection.Output);
        Assert.Equal("one", ConnectionTest.ReceiveText(Peer, 3));
        _writeEnd.Dispose();
        await copying.WaitAsync(TestTimeout);
    }

    /// <summary>An operation that had sent nothing counted as a write.</summary>
    [Fact]
    public async Task GetStatistics_OperationThatSentNothing_CountsNoWrite()
    {
        await using FileStream empty = File.OpenRead(NewFile([]));
        Assert.Equal(0, await _connection.SendFileAsync(empty).WaitAsync(TestTimeout));
        UnixStreamConnectionStatistics statistics = _connection.GetStatistics();
        Assert.Equal(0, statistics.Writes);
        Assert.Null(statistics.LastWriteAt);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[PosixError.ThrowIfError(Libc.Write((int)_writeEnd.DangerousGetHandle(), bytes), "write")..];
    }
}
