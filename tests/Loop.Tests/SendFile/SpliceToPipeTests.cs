using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.UnixSockets;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.SendFile;

/// <summary>A connection's bytes to a pipe, and a pipe's to another, by CopyToAsync.</summary>
public sealed class SpliceToPipeTests : SendFileTest
{
    private static readonly byte[] Content = Pattern(3 << 20);
    private UnixStreamConnection _connection = null!;
    private WritePipe _pipe = null!;
    private SafeFileHandle _readEnd = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _connection = UnixStreamConnection.FromSocket(Loop, Socket);
        _pipe = WritePipe.Create(Loop, out _readEnd);
    }

    public override async ValueTask DisposeAsync()
    {
        _pipe.Abort();
        _readEnd.Dispose();
        _connection.Abort();
        await _connection.DisposeAsync();
        await base.DisposeAsync();
    }

    [Fact]
    public async Task CopyTo_UntilTheEnd_KeepsTheOrderWithWhatWasReadAndWritten()
    {
        ConnectionTest.Send(Peer, "already read, ");
        ReadResult early = await _connection.Input.ReadAtLeastAsync(14).AsTask().WaitAsync(TestTimeout);
        _connection.Input.AdvanceTo(early.Buffer.GetPosition(8)); // "already "
        Task copying = Task.Run(async () =>
        {
            _pipe.Output.Write("before, "u8); // and not flushed
            await _connection.Input.CopyToAsync(_pipe.Output);
            await _pipe.Output.WriteAsync("after"u8.ToArray());
            await _pipe.Output.CompleteAsync();
        });
        Task<byte[]> reading = ReadPipeToEndAsync();
        await SendAllAndEndAsync(Content);
        byte[] received = await reading.WaitAsync(TestTimeout);
        Assert.Equal([.. "before, read, "u8, .. Content, .. "after"u8], received);
        await copying.WaitAsync(TestTimeout);
        Assert.True((await _connection.Input.ReadAsync()).IsCompleted);
        Assert.Equal(14 + Content.Length, _connection.GetStatistics().BytesRead);
        await _pipe.DisposeAsync();
    }

    [Fact]
    public async Task CopyTo_ChildsInput_GetsAllAndItsEnd()
    {
        using PidfdChildWatcher watcher = new();
        watcher.Attach(Loop);
        await using SubprocessFactory factory = new(Loop, watcher);
        await using ISubprocess child = await factory.StartAsync(new SubprocessStartInfo("/bin/sh", "-c", "wc -c") { Input = Stdio.Pipe, Output = Stdio.Pipe });
        Task copying = Task.Run(async () =>
        {
            await _connection.Input.CopyToAsync(child.Input);
            await child.Input.CompleteAsync();
        });
        await SendAllAndEndAsync(Content);
        await copying.WaitAsync(TestTimeout);
        Assert.Equal($"{Content.Length}\n", await ConnectionTest.ReadTextAsync(child.Output, 8));
        Assert.True((await child.WaitForExitAsync().WaitAsync(TestTimeout)).IsSuccess);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task CopyTo_CancelledWhileTheSocketIsEmpty_LeavesBothUsable(bool byToken)
    {
        using CancellationTokenSource cancel = new();
        Task copying = _connection.Input.CopyToAsync(_pipe.Output, cancel.Token);
        ConnectionTest.Send(Peer, "one ");
        Assert.Equal("one ", ReadPipeText(4));
        Assert.Throws<InvalidOperationException>(() => _pipe.Output.GetSpan());
        if (byToken)
            await cancel.CancelAsync();
        else
            _connection.Input.CancelPendingRead();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => copying.WaitAsync(TestTimeout));

        ConnectionTest.Send(Peer, "two");
        Assert.Equal("two", await ConnectionTest.ReadTextAsync(_connection.Input, 3));
        await _pipe.Output.WriteAsync("three"u8.ToArray());
        Assert.Equal("three", ReadPipeText(5));
    }

    [Fact]
    public async Task Rule02_CopyTo_PipeFullAndPeerGone_DoesNotSpin()
    {
        Task copying = Task.Run(() => _connection.Input.CopyToAsync(_pipe.Output));
        byte[] content = Pattern(200_000); // more than the pipe takes, and no more than it and the socket
        await Task.Run(() => ConnectionTest.Send(Peer, content)).WaitAsync(TestTimeout);
        Peer.Dispose();
        Eventually.True(() => _connection.GetStatistics().BytesRead > 0, "a part");
        await SettleAsync();
        using (ManualResetEventSlim idle = new())
        {
            idle.Wait(TimeSpan.FromMilliseconds(100)); // what fits has been moved
            long before = Loop.GetStatistics().Turns;
            idle.Wait(TimeSpan.FromMilliseconds(200));
            Assert.InRange(Loop.GetStatistics().Turns - before, 0, 10);
        }
        Task<byte[]> reading = ReadPipeToEndAsync();
        await copying.WaitAsync(TestTimeout);
        await _pipe.DisposeAsync();
        Assert.Equal(content, await reading.WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task CopyTo_ConnectionAborted_FailsWithTheReasonAndThePipeGoesOn()
    {
        Task copying = _connection.Input.CopyToAsync(_pipe.Output);
        ConnectionTest.Send(Peer, "one");
        Assert.Equal("one", ReadPipeText(3));
        InvalidTimeZoneException reason = new("because");
        _connection.Abort(reason);
        Assert.Same(reason, await Assert.ThrowsAsync<InvalidTimeZoneException>(() => copying.WaitAsync(TestTimeout)));
        await _pipe.Output.WriteAsync("on"u8.ToArray());
        Assert.Equal("on", ReadPipeText(2));
    }

    [Fact]
    public async Task CopyTo_PipeDisposed_FailsAndTheConnectionGoesOn()
    {
        Task copying = _connection.Input.CopyToAsync(_pipe.Output);
        ConnectionTest.Send(Peer, "one");
        Assert.Equal("one", ReadPipeText(3));
        await _pipe.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => copying.WaitAsync(TestTimeout));
        ConnectionTest.Send(Peer, "on");
        Assert.Equal("on", await ConnectionTest.ReadTextAsync(_connection.Input, 2));
    }

    [Fact]
    public async Task CopyTo_PipesReaderGone_FailsAndTheConnectionGoesOn()
    {
        Task copying = _connection.Input.CopyToAsync(_pipe.Output);
        ConnectionTest.Send(Peer, "one");
        Assert.Equal("one", ReadPipeText(3));
        _readEnd.Dispose();
        Assert.Equal(EPIPE, (await Assert.ThrowsAsync<IOException>(() => copying.WaitAsync(TestTimeout))).HResult);
        Assert.Equal(EPIPE, (await Assert.ThrowsAsync<IOException>(() => _pipe.Completion.WaitAsync(TestTimeout))).HResult);
        ConnectionTest.Send(Peer, "on");
        Assert.Equal("on", await ConnectionTest.ReadTextAsync(_connection.Input, 2));
    }

    [Fact]
    public async Task CopyTo_PeerGoneWithOurBytesUnread_FailsAndSoDoesTheNextRead()
    {
        await _connection.Output.WriteAsync(new byte[1]);
        Task copying = _connection.Input.CopyToAsync(_pipe.Output);
        Peer.Dispose();
        Assert.Equal(ECONNRESET, (await Assert.ThrowsAsync<IOException>(() => copying.WaitAsync(TestTimeout))).HResult);
        Assert.Equal(ECONNRESET, (await Assert.ThrowsAsync<IOException>(() => _connection.Input.ReadAsync().AsTask().WaitAsync(TestTimeout))).HResult);
    }

    [Fact]
    public async Task CopyTo_QueuedBytesBeforeIt_AreWaitedForAndTheWaitCanBeCancelled()
    {
        // A little more than the pipe takes: queued, and below the mark.
        Assert.False((await _pipe.Output.WriteAsync(Pattern(70_000)).AsTask().WaitAsync(TestTimeout)).IsCompleted);
        using CancellationTokenSource cancel = new();
        Task copying = _connection.Input.CopyToAsync(_pipe.Output, cancel.Token);
        Assert.False(copying.IsCompleted);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => copying.WaitAsync(TestTimeout));
        Task<byte[]> reading = ReadPipeToEndAsync();
        await _pipe.Output.WriteAsync("on"u8.ToArray()).AsTask().WaitAsync(TestTimeout);
        await _pipe.DisposeAsync();
        byte[] received = await reading.WaitAsync(TestTimeout);
        Assert.Equal([.. Pattern(70_000), .. "on"u8], received);
    }

    /// <summary>splice(2) would drop the descriptor.</summary>
    [Fact]
    public async Task CopyTo_ConnectionThatTakesDescriptors_LosesNone()
    {
        (UnixHandle taken, UnixHandle given) = ConnectionTest.NewSocketPair();
        await using UnixStreamConnection taking = UnixStreamConnection.FromSocket(Loop, taken, new() { MaxDescriptors = 1 });
        await using UnixStreamConnection giving = UnixStreamConnection.FromSocket(Loop, given);
        Task copying = taking.Input.CopyToAsync(_pipe.Output);
        await giving.SendDescriptorsAsync("x"u8.ToArray(), [_readEnd]).AsTask().WaitAsync(TestTimeout);
        Assert.Equal("x", ReadPipeText(1));
        Assert.True(taking.TryTakeDescriptor(out SafeFileHandle? descriptor));
        descriptor.Dispose();
        await giving.DisposeAsync();
        await copying.WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task CopyTo_FromAPipeToAPipe_MovesAll()
    {
        await using ReadPipe source = ReadPipe.Create(Loop, out SafeFileHandle writeEnd);
        Task copying = Task.Run(async () =>
        {
            await source.Input.CopyToAsync(_pipe.Output);
            await _pipe.Output.CompleteAsync();
        });
        Task<byte[]> reading = ReadPipeToEndAsync();
        await Task.Run(() =>
        {
            using FileStream stream = new(writeEnd, FileAccess.Write, bufferSize: 0);
            stream.Write(Content);
        }).WaitAsync(TestTimeout);
        Assert.Equal(Content, await reading.WaitAsync(TestTimeout));
        await copying.WaitAsync(TestTimeout);
    }

    private async Task SendAllAndEndAsync(byte[] bytes)
    {
        await Task.Run(() => ConnectionTest.Send(Peer, bytes)).WaitAsync(TestTimeout);
        PosixError.ThrowIfError(Libc.Shutdown(Peer.Descriptor, SHUT_WR), "shutdown");
    }

    private Task<byte[]> ReadPipeToEndAsync() => Task.Run(() =>
    {
        using FileStream stream = new(_readEnd, FileAccess.Read, bufferSize: 0);
        MemoryStream all = new();
        stream.CopyTo(all);
        return all.ToArray();
    });

    private string ReadPipeText(int length)
    {
        byte[] bytes = new byte[length];
        for (int read = 0; read < length;)
            read += PosixError.ThrowIfError(Libc.Read((int)_readEnd.DangerousGetHandle(), bytes.AsSpan(read)), "read");
        return Encoding.UTF8.GetString(bytes);
    }
}
