using System.IO.Pipelines;
using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.Pipes;

public sealed class ReadPipeTests : PublicPipeTest
{
    [Fact]
    public async Task Read_AnonymousPipe_GivesWhatWasWrittenAndTheEnd()
    {
        await using ReadPipe pipe = ReadPipe.Create(Loop, out SafeFileHandle writeEnd);
        using (writeEnd)
            Put(writeEnd, "hello");
        await ExpectAsync(pipe.Input, "hello");
        await ExpectEndAsync(pipe.Input);
        await EndOf(pipe);
        Assert.Equal(0, Loop.GetStatistics().WatchedDescriptors);
    }

    [Fact]
    public async Task Read_HandedInPipe_TakesItAndMakesItNonBlocking()
    {
        PosixError.ThrowIfError(Libc.Pipe(out int readEnd, out int writeEnd), "pipe2");
        using UnixHandle write = new(writeEnd);
        var read = new UnixHandle(readEnd);
        ReadPipe pipe = ReadPipe.FromHandle(Loop, read);
        Assert.True(TestSupport.Interop.TestLibc.IsNonBlocking(read));
        Put(write, "x");
        await ExpectAsync(pipe.Input, "x");
        await pipe.DisposeAsync();
        Assert.True(read.IsClosed);
        Assert.Equal(EPIPE, Libc.Write(write.Descriptor, "y"u8).Errno);
    }

    [Fact]
    public async Task Read_Socket_GivesTheBytesAndLeavesItsFlagsAlone()
    {
        PosixError.ThrowIfError(Libc.UnixSocketPair(SOCK_STREAM, out int one, out int other), "socketpair");
        using UnixHandle peer = new(other);
        var socket = new UnixHandle(one);
        PosixError.ThrowIfError(Libc.Fcntl(one, F_SETFL, 0), "fcntl");
        await using ReadPipe pipe = ReadPipe.FromHandle(Loop, socket);
        Assert.False(TestSupport.Interop.TestLibc.IsNonBlocking(socket));
        Put(peer, "over a socket");
        await ExpectAsync(pipe.Input, "over a socket");
        peer.Dispose();
        await ExpectEndAsync(pipe.Input);
        await EndOf(pipe);
    }

    [Fact]
    public async Task Read_NullDevice_EndsAtOnce()
    {
        await using ReadPipe pipe = ReadPipe.Open(Loop, "/dev/null");
        await ExpectEndAsync(pipe.Input);
        await EndOf(pipe);
    }

    [Fact]
    public async Task Read_Cancelled_LosesNothing()
    {
        await using ReadPipe pipe = ReadPipe.Create(Loop, out SafeFileHandle writeEnd);
        using var cancel = new CancellationTokenSource();
        Task<ReadResult> waiting = pipe.Input.ReadAsync(cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(TestTimeout));
        using (writeEnd)
            Put(writeEnd, "later");
        await ExpectAsync(pipe.Input, "later");
    }

    [Fact]
    public async Task Read_LargerThanTheMarks_PausesAndDeliversAll()
    {
        await using ReadPipe pipe = ReadPipe.Create(Loop, out SafeFileHandle writeEnd, new ReadPipeOptions { HighWaterMark = 10, LowWaterMark = 0 });
        byte[] data = new byte[1_000_000];
        new Random(3).NextBytes(data);
        Task writing = Task.Run(() =>
        {
            using (writeEnd)
                PutAll(writeEnd, data);
        });
        var all = new MemoryStream();
        await pipe.Input.CopyToAsync(all).WaitAsync(TestTimeout);
        Assert.Equal(data, all.ToArray());
        await writing.WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Rule02_PausedAndWriterGone_DoesNotSpinAndDeliversAllThenTheEnd()
    {
        await using ReadPipe pipe = ReadPipe.Create(Loop, out SafeFileHandle writeEnd, new ReadPipeOptions { HighWaterMark = 0, LowWaterMark = 0 });
        using (writeEnd)
        {
            Put(writeEnd, "first");
            // Before the writer goes: bytes and their end that come in one event are read in one go.
            Eventually.True(() => pipe.ToString().Contains("Paused", StringComparison.Ordinal), "the pipe pauses");
        }
        Assert.InRange(await CountIdleTurnsAsync(), 0, 3);
        await ExpectAsync(pipe.Input, "first");
        await ExpectEndAsync(pipe.Input);
    }

    [Fact]
    public async Task Rule22_TerminalHangsUp_IsTheEndAndNotAnError()
    {
        (UnixHandle master, UnixHandle slave) = NewTerminal();
        await using ReadPipe pipe = ReadPipe.FromHandle(Loop, master);
        Put(slave, "shown");
        await ExpectAsync(pipe.Input, "shown");
        slave.Dispose();
        await ExpectEndAsync(pipe.Input);
        await EndOf(pipe);
    }

    [Fact]
    public async Task Terminal_BothDirections_CarryBytes()
    {
        (UnixHandle master, UnixHandle slave) = NewTerminal();
        var again = new UnixHandle(PosixError.ThrowIfError(Libc.Fcntl(master.Descriptor, F_DUPFD_CLOEXEC), "fcntl"));
        await using ReadPipe shown = ReadPipe.FromHandle(Loop, master);
        await using WritePipe typed = WritePipe.FromHandle(Loop, again);
        await WriteAsync(typed, "line\n");
        await ExpectAsync(shown.Input, "line\r\n"); // the terminal's echo
        Assert.Equal("line\n", ReadNow(slave));
        Put(slave, "answer");
        await ExpectAsync(shown.Input, "answer");
        slave.Dispose();
    }

    [Fact]
    public async Task Complete_WithAWriterBlocked_GivesItABrokenPipe()
    {
        ReadPipe pipe = ReadPipe.Create(Loop, out SafeFileHandle writeEnd, new ReadPipeOptions { HighWaterMark = 1, LowWaterMark = 0 });
        using (writeEnd)
        {
            Task writing = Task.Run(() => PutAll(writeEnd, new byte[4_000_000]));
            Eventually.True(() => pipe.ToString().Contains("Paused", StringComparison.Ordinal), "the pipe pauses");
            await pipe.Input.CompleteAsync();
            await Assert.ThrowsAsync<IOException>(() => writing.WaitAsync(TestTimeout));
        }
        await EndOf(pipe);
        await pipe.DisposeAsync();
        await pipe.DisposeAsync();
    }

    [Fact]
    public async Task LoopEnds_WhileAwaited_TellsBothTheReaderAndTheCompletion()
    {
        ReadPipe pipe = ReadPipe.Create(Loop, out SafeFileHandle writeEnd);
        Task<ReadResult> waiting = pipe.Input.ReadAsync().AsTask();
        await Loop.StopAsync().WaitAsync(TestTimeout);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting.WaitAsync(TestTimeout));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => EndOf(pipe));
        await pipe.DisposeAsync();
        writeEnd.Dispose();
    }

    [Fact]
    public async Task Create_OnAnEndedLoop_FailsAndLeavesNothing()
    {
        await Loop.StopAsync().WaitAsync(TestTimeout);
        Assert.Throws<ObjectDisposedException>(() => ReadPipe.Create(Loop, out _));
        Assert.Throws<ObjectDisposedException>(() => WritePipe.Create(Loop, out _));
        (UnixHandle read, UnixHandle write) = NewPipe();
        Assert.Throws<ObjectDisposedException>(() => ReadPipe.FromHandle(Loop, read));
        Assert.Throws<ObjectDisposedException>(() => WritePipe.FromHandle(Loop, write));
        Assert.True(read.IsClosed && write.IsClosed, "ours on every path after the validation");
    }

    [Fact]
    public async Task ToString_OpenPausedAndClosed_TellsTheKindTheDescriptorAndTheState()
    {
        ReadPipe pipe = ReadPipe.Create(Loop, out SafeFileHandle writeEnd);
        Assert.Matches(@"^ReadPipe: pipe \(descriptor \d+, Reading\)$", pipe.ToString());
        await pipe.DisposeAsync();
        Assert.Equal("ReadPipe: pipe (descriptor (closed), Ended)", pipe.ToString());
        writeEnd.Dispose();
    }
}
