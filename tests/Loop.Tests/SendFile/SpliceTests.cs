using System.IO.Pipelines;
using UnixLoop.Interop;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.SendFile;

/// <summary>A pipe's bytes to a connection, by CopyToAsync.</summary>
public sealed class SpliceTests : SendFileTest
{
    private const int Mebibyte = 1024 * 1024;
    private static readonly byte[] Content = Pattern(3 * Mebibyte);
    private UnixStreamConnection _connection = null!;
    private ReadPipe _pipe = null!;
    private Microsoft.Win32.SafeHandles.SafeFileHandle _writeEnd = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _connection = UnixStreamConnection.FromSocket(Loop, Socket);
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

    [Fact]
    public async Task CopyTo_UntilTheEnd_KeepsTheOrderWithWhatWasReadAndWritten()
    {
        Write("already read, "u8);
        ReadResult early = await _pipe.Input.ReadAsync().AsTask().WaitAsync(TestTimeout);
        _pipe.Input.AdvanceTo(early.Buffer.GetPosition(8)); // "already "
        Task copying = Task.Run(async () =>
        {
            await _connection.Output.WriteAsync("before, "u8.ToArray());
            await _pipe.Input.CopyToAsync(_connection.Output);
            await _connection.Output.WriteAsync("after"u8.ToArray());
            await _connection.Output.CompleteAsync();
        });
        Task writing = Task.Run(() =>
        {
            Write(Content);
            _writeEnd.Dispose();
        });
        byte[] received = await ReadUntil(copying).WaitAsync(TestTimeout);
        await writing.WaitAsync(TestTimeout);
        await copying;
        Assert.Equal([.. "before, read, "u8, .. Content, .. "after"u8], received);
        await _pipe.Completion.WaitAsync(TestTimeout);
        Assert.True((await _pipe.Input.ReadAsync()).IsCompleted);
    }

    [Fact]
    public async Task CopyTo_ChildsOutput_GoesStraightToTheConnection()
    {
        using PidfdChildWatcher watcher = new();
        watcher.Attach(Loop);
        await using SubprocessFactory factory = new(Loop, watcher);
        await using ISubprocess child = await factory.StartAsync(new SubprocessStartInfo("/bin/sh", "-c", "seq 300000") { Output = Stdio.Pipe });
        Task copying = Task.Run(async () =>
        {
            await child.Output.CopyToAsync(_connection.Output);
            await _connection.Output.CompleteAsync(); // the half-close, by choice
        });
        byte[] received = await ReadUntil(copying).WaitAsync(TestTimeout);
        await copying;
        Assert.Equal(string.Concat(Enumerable.Range(1, 300_000).Select(i => $"{i}\n")), System.Text.Encoding.ASCII.GetString(received));
        Assert.True((await child.WaitForExitAsync().WaitAsync(TestTimeout)).IsSuccess);
    }

    [Fact]
    public async Task CopyTo_CanceledWhileThePipeIsEmpty_LeavesBothUsable()
    {
        using CancellationTokenSource cancel = new();
        Task copying = _pipe.Input.CopyToAsync(_connection.Output, cancel.Token);
        Write("one "u8);
        Eventually.True(() => Libc.Receive(Peer.Descriptor, new byte[4]).Value == 4, "the first word");
        Assert.Throws<InvalidOperationException>(() => _connection.Output.GetSpan());
        cancel.Cancel();
        OperationCanceledException canceled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => copying.WaitAsync(TestTimeout));
        Assert.Equal(cancel.Token, canceled.CancellationToken);

        Write("two"u8);
        ReadResult read = await _pipe.Input.ReadAsync().AsTask().WaitAsync(TestTimeout);
        Assert.Equal("two"u8.ToArray(), System.Buffers.BuffersExtensions.ToArray(read.Buffer));
        _pipe.Input.AdvanceTo(read.Buffer.End);
        await _connection.Output.WriteAsync("three"u8.ToArray());
        Assert.Equal("three"u8.ToArray(), await ReadUntil(Task.CompletedTask));
    }

    [Fact]
    public async Task Rule02_CopyTo_SocketFullAndWriterGone_DoesNotSpin()
    {
        int filled = 0;
        for (PosixResult sent; (sent = Libc.Send(Socket.Descriptor, Pattern(4096))).IsSuccess;)
            filled += sent.IntValue;
        Task copying = _pipe.Input.CopyToAsync(_connection.Output);
        Write("the rest"u8);
        _writeEnd.Dispose();
        await SettleAsync();
        await SettleAsync();
        long before = Loop.GetStatistics().Turns;
        using (ManualResetEventSlim idle = new())
            idle.Wait(TimeSpan.FromMilliseconds(200));
        Assert.False(copying.IsCompleted);
        Assert.InRange(Loop.GetStatistics().Turns - before, 0, 10);
        byte[] received = await ReadUntil(copying).WaitAsync(TestTimeout);
        Assert.Equal("the rest"u8.ToArray(), received[filled..]);
        await copying;
    }

    [Fact]
    public async Task CopyTo_ConnectionAborted_FailsWithTheReasonAndThePipeGoesOn()
    {
        Task copying = _pipe.Input.CopyToAsync(_connection.Output);
        Write("one"u8);
        Eventually.True(() => Libc.Receive(Peer.Descriptor, new byte[3]).Value == 3, "the first word");
        InvalidTimeZoneException reason = new("because");
        _connection.Abort(reason);
        Assert.Same(reason, await Assert.ThrowsAsync<InvalidTimeZoneException>(() => copying.WaitAsync(TestTimeout)));
        Write("two"u8);
        ReadResult read = await _pipe.Input.ReadAsync().AsTask().WaitAsync(TestTimeout);
        Assert.Equal(3, read.Buffer.Length);
        _pipe.Input.AdvanceTo(read.Buffer.End);
    }

    [Fact]
    public async Task CopyTo_PipeDisposed_FailsAndTheConnectionGoesOn()
    {
        Task copying = _pipe.Input.CopyToAsync(_connection.Output);
        Write("one"u8);
        Eventually.True(() => Libc.Receive(Peer.Descriptor, new byte[3]).Value == 3, "the first word");
        await _pipe.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => copying.WaitAsync(TestTimeout));
        await _connection.Output.WriteAsync("on"u8.ToArray());
        Assert.Equal("on"u8.ToArray(), await ReadUntil(Task.CompletedTask));
    }

    [Fact]
    public async Task CopyTo_PeerGone_Fails()
    {
        Task copying = _pipe.Input.CopyToAsync(_connection.Output);
        Peer.Dispose();
        Write("lost"u8);
        await Assert.ThrowsAsync<IOException>(() => copying.WaitAsync(TestTimeout));
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            PosixResult written = Libc.Write((int)_writeEnd.DangerousGetHandle(), bytes);
            bytes = bytes[PosixError.ThrowIfError(written, "write")..];
        }
    }
}
