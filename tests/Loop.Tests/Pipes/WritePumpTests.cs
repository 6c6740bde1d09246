using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;
using UnixLoop.Transports.SendFile;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.Pipes;

public sealed class WritePumpTests : PipeTest
{
    private UnixHandle _read = null!;
    private UnixHandle _write = null!;
    private WritePump _pump = null!;
    private PumpedPipeWriter _writer = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        (_read, _write) = NewPipe();
        ILogger logger = Loggers.CreateLogger("pipes");
        _pump = new WritePump(Loop, _write, Owner, logger);
        _writer = new PumpedPipeWriter(_pump, this, logger);
        _pump.Start();
    }

    [Fact]
    public async Task Write_Small_ArrivesAndTheEndFollowsTheCompletion()
    {
        await _writer.WriteAsync("hello "u8.ToArray());
        await _writer.WriteAsync("world"u8.ToArray());
        await _writer.CompleteAsync();
        Assert.Equal("hello world"u8.ToArray(), ReadToEnd(_read));
        await Owner.Ended;
        Assert.Equal(1, Owner.Endings);
        Assert.Equal(0, Loop.GetStatistics().WatchedDescriptors);
        _read.Dispose();
    }

    [Fact]
    public async Task Write_Nothing_MakesNoEnd()
    {
        await _writer.WriteAsync(ReadOnlyMemory<byte>.Empty);
        await _writer.FlushAsync();
        await SettleAsync();
        Assert.False(_pump.IsEnded);
        _writer.Complete();
        Assert.Empty(ReadToEnd(_read));
        _read.Dispose();
    }

    [Fact]
    public async Task Write_MoreThanThePipeHolds_WaitsAboveTheHighMarkAndLosesNothing()
    {
        byte[] data = new byte[1_000_000];
        new Random(1).NextBytes(data);
        Task<FlushResult> flush = _writer.WriteAsync(data).AsTask();
        await SettleAsync();
        Assert.False(flush.IsCompleted);
        Task<byte[]> reading = Task.Run(() => ReadToEnd(_read));
        Assert.False((await flush.WaitAsync(TestTimeout)).IsCompleted);
        _writer.Complete();
        Assert.Equal(data, await reading.WaitAsync(TestTimeout));
        _read.Dispose();
    }

    [Fact]
    public async Task Write_AtTheHighMark_DoesNotWait()
    {
        Fill(_write);
        Task<FlushResult> at = _writer.WriteAsync(new byte[PipeDefaults.WriteHighWater]).AsTask();
        Assert.True(at.IsCompletedSuccessfully);
        Task<FlushResult> over = _writer.WriteAsync(new byte[1]).AsTask();
        Assert.False(over.IsCompleted);
        // Resumes at the low mark, not before.
        DrainOf(PipeDefaults.Capacity);
        Eventually.True(() => over.IsCompleted, "the writer goes on");
        await over;
        _pump.Close(null);
        _read.Dispose();
    }

    [Fact]
    public async Task Write_BehindAQueueThoughThePipeHasRoom_KeepsTheOrder()
    {
        using ManualResetEventSlim isHeld = new(), held = new();
        Loop.Post(() =>
        {
            isHeld.Set();
            held.Wait();
        });
        Assert.True(isHeld.Wait(TestTimeout)); // so that nothing takes from the queue
        Fill(_write);
        await _writer.WriteAsync("first "u8.ToArray());
        DrainOf(PipeDefaults.Capacity);
        await _writer.WriteAsync("second"u8.ToArray());
        held.Set();
        _writer.Complete();
        Assert.Equal("first second"u8.ToArray(), ReadToEnd(_read));
        await Owner.Ended;
        _read.Dispose();
    }

    [Fact]
    public async Task Complete_WithDataQueued_ClosesOnlyWhenItIsWritten()
    {
        Fill(_write);
        await _writer.WriteAsync("tail"u8.ToArray());
        _writer.Complete();
        await SettleAsync();
        Assert.False(_pump.IsEnded);
        Assert.EndsWith("tail", System.Text.Encoding.ASCII.GetString(ReadToEnd(_read)), StringComparison.Ordinal);
        _read.Dispose();
    }

    [Fact]
    public async Task Rule21_ReaderGoneWithNothingQueued_IsNoticedWithoutAWriteAndIsACleanEnd()
    {
        _read.Dispose();
        await Owner.Ended;
        Assert.Null(_pump.Failure);
        Assert.True((await _writer.FlushAsync()).IsCompleted);
        // The event stays; its registration went with the first one.
        Assert.InRange(await CountIdleTurnsAsync(), 0, 3);
    }

    [Fact]
    public async Task Rule21_ReaderGoneWithDataQueued_IsABrokenPipe()
    {
        Task<FlushResult> blocked = _writer.WriteAsync(new byte[1_000_000]).AsTask();
        await SettleAsync();
        Assert.False(blocked.IsCompleted);
        _read.Dispose();
        IOException error = await Assert.ThrowsAsync<IOException>(() => blocked.WaitAsync(TestTimeout));
        Assert.StartsWith("EPIPE: write to the test's pipe", error.Message, StringComparison.Ordinal);
        await Owner.Ended;
        Assert.Equal(1, Owner.Endings);
        await Assert.ThrowsAsync<IOException>(async () => await _writer.FlushAsync());
    }

    [Fact]
    public async Task Rule21_DescriptorThatCanAlsoBeRead_IsNotEndedByWhatComesIn()
    {
        PosixResult opened = Libc.Open($"/proc/self/fd/{_read.Descriptor}", O_RDWR | O_NONBLOCK);
        var both = new UnixHandle(PosixError.ThrowIfError(opened, "openat"));
        var owner = new PipeOwner();
        var pump = new WritePump(Loop, both, owner, Loggers.CreateLogger("pipes"));
        pump.Start();
        Libc.Write(_write.Descriptor, "readable"u8);
        Assert.InRange(await CountIdleTurnsAsync(), 0, 3);
        Assert.False(pump.IsEnded);
        pump.Writer.Complete();
        await owner.Ended;
        _pump.Close(null);
        _read.Dispose();
    }

    [Fact]
    public async Task WriteAfterLoss_OfAnError_WarnsFromTheFifthOn()
    {
        Task<FlushResult> blocked = _writer.WriteAsync(new byte[1_000_000]).AsTask();
        _read.Dispose();
        await Assert.ThrowsAsync<IOException>(() => blocked.WaitAsync(TestTimeout));
        await AssertWarnsFromAsync(5);
    }

    [Fact]
    public async Task WriteAfterLoss_OfAPlainClose_WarnsFromTheSixthOn()
    {
        _read.Dispose();
        await Owner.Ended;
        await AssertWarnsFromAsync(6);
    }

    private async Task AssertWarnsFromAsync(int first)
    {
        for (int write = 1; write <= first + 1; write++)
        {
            try
            {
                await _writer.WriteAsync("x"u8.ToArray());
            }
            catch (IOException)
            {
                // each of them, after an error
            }
            Assert.Equal(Math.Max(0, write - first + 1), Log.GetSnapshot().Count(record => record.Id.Name == "PipeWriteAfterLoss"));
        }
    }

    [Fact]
    public async Task Close_WithAWriterBlocked_FailsItsFlush()
    {
        Task<FlushResult> blocked = _writer.WriteAsync(new byte[1_000_000]).AsTask();
        _pump.Close(new ObjectDisposedException("it"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => blocked.WaitAsync(TestTimeout));
        _pump.Close(null);
        Assert.Equal(1, Owner.Endings);
        _read.Dispose();
    }

    [Fact]
    public async Task LoopEnds_WithAWriterBlocked_FailsItsFlush()
    {
        Task<FlushResult> blocked = _writer.WriteAsync(new byte[1_000_000]).AsTask();
        await Loop.StopAsync().WaitAsync(TestTimeout);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => blocked.WaitAsync(TestTimeout));
        _read.Dispose();
    }

    [Fact]
    public async Task Writes_FromManyTurns_AreWrittenDirectlyAndAskForNoEvents()
    {
        for (int i = 0; i < 100; i++)
        {
            await _writer.WriteAsync("0123456789"u8.ToArray());
            await SettleAsync();
        }
        _writer.Complete();
        Assert.Equal(1000, ReadToEnd(_read).Length);
        _read.Dispose();
    }

    /// <summary>An operation that began between the disposal's look for one and its completion of the writer held the disposal up until its timeout.</summary>
    [Fact]
    public async Task Lend_DisposalHasLookedForOperations_IsRefused()
    {
        ObjectDisposedException disposed = new("the pipe");
        _pump.StopOperation(disposed);
        Assert.Same(disposed, await Assert.ThrowsAsync<ObjectDisposedException>(() => _pump.LendAsync(new NoOperation(), CancellationToken.None).WaitAsync(TestTimeout)));
        _writer.CompleteForDisposal(disposed);
        await Owner.Ended.WaitAsync(TestTimeout);
        _read.Dispose();
    }

    private sealed class NoOperation : IOutputOperation
    {
        public string Name => "nothing";

        public void OnWritable()
        {
        }

        public void OnOutputGone(Exception error)
        {
        }
    }

    private void DrainOf(int bytes)
    {
        byte[] buffer = new byte[bytes];
        int total = 0;
        Eventually.True(
            () =>
            {
                PosixResult read = Libc.Read(_read.Descriptor, buffer);
                total += read.IsSuccess ? read.IntValue : 0;
                return total >= bytes;
            },
            "the bytes");
    }
}
