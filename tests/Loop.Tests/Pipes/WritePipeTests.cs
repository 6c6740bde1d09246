using System.IO.Pipelines;
using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using UnixLoop.Transports;
using UnixLoop.Transports.Pipes;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.Pipes;

public sealed class WritePipeTests : PublicPipeTest
{
    [Fact]
    public async Task Write_NothingQueued_IsWithTheKernelWhenTheFlushReturns()
    {
        await using WritePipe pipe = WritePipe.Create(Loop, out SafeFileHandle readEnd);
        using (readEnd)
        {
            // Though the loop is held: the flush writes by itself.
            using ManualResetEventSlim held = new();
            Loop.Post(held.Wait);
            Assert.True(pipe.Output.WriteAsync("direct"u8.ToArray()).AsTask().IsCompletedSuccessfully);
            Assert.Equal("direct", ReadNow(readEnd));
            held.Set();
        }
    }

    [Fact]
    public async Task Write_ManySegments_AreOneCallToTheKernel()
    {
        (UnixHandle socket, UnixHandle peer) = NewSockets();
        await using WritePipe pipe = WritePipe.FromHandle(Loop, socket);
        for (int i = 0; i < 10; i++)
        {
            pipe.Output.GetSpan(4000)[..4000].Fill((byte)('a' + i));
            pipe.Output.Advance(4000);
        }
        await pipe.Output.FlushAsync();
        byte[] all = new byte[50_000];
        Assert.Equal(40_000, Libc.Read(peer.Descriptor, all).IntValue);
        Assert.Equal((byte)'j', all[39_999]);
        peer.Dispose();
    }

    [Fact]
    public async Task Dispose_WithBytesQueued_WaitsForThem()
    {
        WritePipe pipe = WritePipe.Create(Loop, out SafeFileHandle readEnd, new WritePipeOptions { HighWaterMark = 10_000_000 });
        byte[] data = new byte[1_000_000];
        new Random(5).NextBytes(data);
        await pipe.Output.WriteAsync(data);
        Assert.Matches(@"^WritePipe: pipe \(descriptor \d+, Blocked\), [1-9]\d+ bytes queued$", pipe.ToString());
        Task disposing = pipe.DisposeAsync().AsTask();
        await SettleAsync();
        Assert.False(disposing.IsCompleted);
        using (var reading = new FileStream(readEnd, FileAccess.Read, 1))
        {
            var all = new MemoryStream();
            await Task.Run(() => reading.CopyTo(all)).WaitAsync(TestTimeout);
            Assert.Equal(data, all.ToArray());
        }
        await disposing.WaitAsync(TestTimeout);
        await EndOf(pipe);
        Assert.Equal("WritePipe: pipe (descriptor (closed), Ended), 0 bytes queued", pipe.ToString());
    }

    [Fact]
    public async Task Dispose_NobodyReads_IsBoundedAndWarns()
    {
        WritePipe pipe = WritePipe.Create(Loop, out SafeFileHandle readEnd, new WritePipeOptions { CloseTimeout = TimeSpan.FromMilliseconds(10) });
        Task<FlushResult> blocked = pipe.Output.WriteAsync(new byte[1_000_000]).AsTask();
        await pipe.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        await Assert.ThrowsAsync<TimeoutException>(() => blocked.WaitAsync(TestTimeout));
        await Assert.ThrowsAsync<TimeoutException>(() => EndOf(pipe));
        Assert.Single(Log.GetSnapshot(), record => record.Id.Name == "PipeCloseTimedOut");
        readEnd.Dispose();
    }

    [Fact]
    public async Task Abort_WithBytesQueued_DropsThemAndTellsTheReasonOnce()
    {
        WritePipe pipe = WritePipe.Create(Loop, out SafeFileHandle readEnd);
        Task<FlushResult> blocked = pipe.Output.WriteAsync(new byte[1_000_000]).AsTask();
        pipe.Abort(new InvalidDataException("enough"));
        pipe.Abort(new InvalidDataException("again"));
        Assert.Equal("enough", (await Assert.ThrowsAsync<InvalidDataException>(() => blocked.WaitAsync(TestTimeout))).Message);
        Assert.Equal("enough", (await Assert.ThrowsAsync<InvalidDataException>(() => EndOf(pipe))).Message);
        await pipe.DisposeAsync();
        readEnd.Dispose();
    }

    [Fact]
    public async Task Abort_WithoutAReason_LooksLikeAPlainClose()
    {
        WritePipe pipe = WritePipe.Create(Loop, out SafeFileHandle readEnd);
        pipe.Abort();
        await EndOf(pipe);
        Assert.True((await WriteAsync(pipe, "x")).IsCompleted);
        Assert.Equal("", ReadNow(readEnd));
        readEnd.Dispose();
    }

    [Fact]
    public async Task Complete_WithBytesQueued_ClosesWhenTheyAreWritten()
    {
        WritePipe pipe = WritePipe.Create(Loop, out SafeFileHandle readEnd, new WritePipeOptions { HighWaterMark = 200_000 });
        await pipe.Output.WriteAsync(new byte[100_000]);
        await pipe.Output.CompleteAsync();
        await SettleAsync();
        Assert.False(pipe.Completion.IsCompleted);
        using (var reading = new FileStream(readEnd, FileAccess.Read, 1))
        {
            var all = new MemoryStream();
            reading.CopyTo(all);
            Assert.Equal(100_000, all.Length);
        }
        await EndOf(pipe);
    }

    [Fact]
    public async Task WaterMarks_OfTheOptions_AreOverHighAndAtOrUnderLow()
    {
        (UnixHandle read, UnixHandle write) = NewPipe();
        Fill(write);
        await using WritePipe pipe = WritePipe.FromHandle(Loop, write, new WritePipeOptions { HighWaterMark = 100, LowWaterMark = 50 });
        Assert.True(pipe.Output.WriteAsync(new byte[100]).AsTask().IsCompletedSuccessfully);
        Task<FlushResult> over = pipe.Output.WriteAsync(new byte[1]).AsTask();
        Assert.False(over.IsCompleted);
        Libc.Read(read.Descriptor, new byte[PipeDefaults.Capacity]);
        await over.WaitAsync(TestTimeout);
        read.Dispose();
    }

    [Fact]
    public async Task WriteFails_AtOnce_IsToldByThatFlush()
    {
        WritePipe pipe = WritePipe.Create(Loop, out SafeFileHandle readEnd);
        using ManualResetEventSlim isHeld = new(), held = new();
        Loop.Post(() =>
        {
            isHeld.Set();
            held.Wait();
        });
        Assert.True(isHeld.Wait(TestTimeout)); // so that the flush is the first to see the end
        readEnd.Dispose();
        IOException error = await Assert.ThrowsAsync<IOException>(() => WriteAsync(pipe, "x"));
        Assert.Equal(EPIPE, error.HResult);
        Assert.StartsWith("EPIPE: write to pipe", error.Message, StringComparison.Ordinal);
        held.Set();
        await Assert.ThrowsAsync<IOException>(() => EndOf(pipe));
        await pipe.DisposeAsync();
    }

    [Theory, InlineData(false, 6), InlineData(true, 5)]
    public async Task WriteAfterLoss_WarnsFromTheFifthAfterAnErrorAndTheSixthAfterAPlainClose(bool byError, int first)
    {
        WritePipe pipe = WritePipe.Create(Loop, out SafeFileHandle readEnd);
        Task<FlushResult>? blocked = byError ? pipe.Output.WriteAsync(new byte[1_000_000]).AsTask() : null;
        readEnd.Dispose();
        if (blocked is null)
            await EndOf(pipe);
        else
            await Assert.ThrowsAsync<IOException>(() => blocked.WaitAsync(TestTimeout));
        for (int write = 1; write <= first + 1; write++)
        {
            try
            {
                Assert.True((await WriteAsync(pipe, "x")).IsCompleted);
            }
            catch (IOException) when (byError)
            {
                // each of them, after an error
            }
            Assert.Equal(Math.Max(0, write - first + 1), Log.GetSnapshot().Count(record => record.Id.Name == "PipeWriteAfterLoss"));
        }
        await pipe.DisposeAsync();
    }

    [Fact]
    public async Task LoopEnds_WithBytesQueued_TellsTheWriter()
    {
        WritePipe pipe = WritePipe.Create(Loop, out SafeFileHandle readEnd);
        Task<FlushResult> blocked = pipe.Output.WriteAsync(new byte[1_000_000]).AsTask();
        await Loop.StopAsync().WaitAsync(TestTimeout);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => blocked.WaitAsync(TestTimeout));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => EndOf(pipe));
        await pipe.DisposeAsync();
        readEnd.Dispose();
    }

    [Fact]
    public async Task Write_NullDevice_TakesEverything()
    {
        WritePipe pipe = await WritePipe.OpenAsync(Loop, "/dev/null").WaitAsync(TestTimeout);
        for (int i = 0; i < 10; i++)
            await pipe.Output.WriteAsync(new byte[50_000]).AsTask().WaitAsync(TestTimeout);
        await pipe.DisposeAsync();
        await EndOf(pipe);
    }

    [Fact]
    public async Task Write_FullDevice_IsTheErrorOfTheDevice()
    {
        WritePipe pipe = await WritePipe.OpenAsync(Loop, "/dev/full").WaitAsync(TestTimeout);
        await WriteAsync(pipe, "x");
        Assert.Equal(ENOSPC, (await Assert.ThrowsAsync<IOException>(() => EndOf(pipe))).HResult);
        await pipe.DisposeAsync();
    }
}
