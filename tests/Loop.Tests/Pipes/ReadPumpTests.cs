using System.Buffers;
using System.IO.Pipelines;
using Microsoft.Extensions.Logging.Abstractions;
using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.Pipes;

public sealed class ReadPumpTests : PipeTest
{
    private UnixHandle _write = null!;
    private PipeReadSink _sink = null!;
    private ReadPump _pump = null!;

    private PipeReader Reader => _sink.Reader;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        (UnixHandle read, _write) = NewPipe();
        _sink = new PipeReadSink(Loop);
        _pump = new ReadPump(Loop, read, _sink, Owner, budget: null, NullLogger.Instance);
    }

    [Fact]
    public async Task Read_DataThenEnd_DeliversAllAndClosesOnce()
    {
        _pump.Start();
        Libc.Write(_write.Descriptor, "hello"u8);
        ReadResult first = await Reader.ReadAsync().AsTask().WaitAsync(TestTimeout);
        Assert.Equal("hello"u8.ToArray(), first.Buffer.ToArray());
        Reader.AdvanceTo(first.Buffer.End);

        Libc.Write(_write.Descriptor, " world"u8);
        _write.Dispose();
        Assert.Equal(" world"u8.ToArray(), await ReadToEndAsync());
        await Owner.Ended;
        Assert.True(_pump.IsEnded);
        Assert.Equal(1, Owner.Endings);
        Assert.Equal(0, Loop.GetStatistics().WatchedDescriptors);
    }

    [Fact]
    public async Task Read_EverythingThereBeforeTheStart_DeliversIt()
    {
        Libc.Write(_write.Descriptor, "early"u8);
        _write.Dispose();
        _pump.Start();
        Assert.Equal("early"u8.ToArray(), await ReadToEndAsync());
    }

    [Fact]
    public async Task Read_SpuriousReadiness_IsQuiet()
    {
        _pump.Start();
        await Loop.InvokeAsync(() => _pump.OnReady((uint)EPOLLIN)).WaitAsync(TestTimeout);
        Assert.False(_pump.IsEnded);
        _write.Dispose();
        Assert.Empty(await ReadToEndAsync());
    }

    [Fact]
    public async Task Read_AnErrorOfTheDescriptor_ReachesTheReaderOnce()
    {
        // The write end of a pipe can't be read: EBADF.
        (UnixHandle read, UnixHandle wrong) = NewPipe();
        var owner = new PipeOwner();
        var sink = new PipeReadSink(Loop);
        var pump = new ReadPump(Loop, wrong, sink, owner, budget: null, NullLogger.Instance);
        await Loop.InvokeAsync(() => { pump.Start(); pump.Drain(); }).WaitAsync(TestTimeout);
        IOException error = await Assert.ThrowsAsync<IOException>(() => sink.Reader.ReadAsync().AsTask().WaitAsync(TestTimeout));
        Assert.StartsWith("EBADF: read from the test's pipe", error.Message, StringComparison.Ordinal);
        await owner.Ended;
        Assert.Equal(1, owner.Endings);
        read.Dispose();
        Close();
    }

    [Fact]
    public async Task Read_ReaderStalls_HoldsTheWriterBackAndLosesNothing()
    {
        _pump.Start();
        byte[] block = new byte[4096];
        long sent = 0;
        // Until nothing moves any more: the pump has paused and the pipe is full.
        Eventually.True(
            () =>
            {
                while (Libc.Write(_write.Descriptor, Number(block, sent)).IsSuccess)
                    sent += block.Length;
                return _pump.IsPaused;
            },
            "a pause");
        while (Libc.Write(_write.Descriptor, Number(block, sent)).IsSuccess)
            sent += block.Length;
        Assert.InRange(sent, PipeDefaults.ReadHighWater, PipeDefaults.ReadHighWater + PipeDefaults.BytesPerTurn + PipeDefaults.Capacity + PipeDefaults.ReadBlock);
        _write.Dispose();

        byte[] all = await ReadToEndAsync();
        Assert.Equal(sent, all.Length);
        for (int at = 0; at < all.Length; at += block.Length)
            Assert.Equal(at, BitConverter.ToInt64(all, at));
    }

    [Fact]
    public async Task Rule02_PausedAndTheWriterGone_TakesNoTurnAndDeliversAllAfterwards()
    {
        _pump.Start();
        long sent = FillUntilPaused();
        _write.Dispose();
        Assert.InRange(await CountIdleTurnsAsync(), 0, 3); // the settling itself
        Assert.False(_pump.IsEnded);
        Assert.Equal(sent, (await ReadToEndAsync()).Length);
        await Owner.Ended;
    }

    [Fact]
    public async Task Drain_WhilePaused_ReadsToTheEnd()
    {
        _pump.Start();
        long sent = FillUntilPaused();
        _write.Dispose();
        _pump.Drain();
        Assert.True(_pump.IsEnded);
        Assert.Equal(sent, (await ReadToEndAsync()).Length);
    }

    [Fact]
    public async Task Drain_WriterStillThere_TakesWhatIsThereAndGoesOn()
    {
        _pump.Start();
        await SettleAsync();
        Libc.Write(_write.Descriptor, "a"u8);
        _pump.Drain();
        Libc.Write(_write.Descriptor, "b"u8);
        _write.Dispose();
        Assert.Equal("ab"u8.ToArray(), await ReadToEndAsync());
    }

    [Fact]
    public async Task ResumeAndClose_OnAPumpThatHasEnded_DoNothing()
    {
        _pump.Start();
        _pump.Close(new IOException("first"));
        _pump.Close(new IOException("second"));
        _pump.Resume();
        _pump.Drain();
        await Loop.InvokeAsync(() => _pump.OnReady((uint)EPOLLIN)).WaitAsync(TestTimeout);
        Assert.Equal(1, Owner.Endings);
        IOException error = await Assert.ThrowsAsync<IOException>(async () => await Reader.ReadAsync());
        Assert.Equal("first", error.Message);
        _write.Dispose();
    }

    [Fact]
    public async Task Resume_OfAPumpThatReads_DoesNothing()
    {
        _pump.Start();
        _pump.Resume();
        Libc.Write(_write.Descriptor, "x"u8);
        _write.Dispose();
        Assert.Equal("x"u8.ToArray(), await ReadToEndAsync());
    }

    [Fact]
    public async Task Close_WhileAReadIsPending_EndsIt()
    {
        _pump.Start();
        Task<ReadResult> reading = Reader.ReadAsync().AsTask();
        _pump.Close(null);
        Assert.True((await reading.WaitAsync(TestTimeout)).IsCompleted);
        _write.Dispose();
    }

    [Fact]
    public async Task LoopEnds_ReaderWaits_GetsAnErrorThatNamesThePipe()
    {
        _pump.Start();
        Task<ReadResult> reading = Reader.ReadAsync().AsTask();
        await Loop.StopAsync().WaitAsync(TestTimeout);
        ObjectDisposedException error = await Assert.ThrowsAsync<ObjectDisposedException>(() => reading.WaitAsync(TestTimeout));
        Assert.Contains("the test's pipe", error.Message, StringComparison.Ordinal);
        Assert.True(_pump.IsEnded);
        Assert.Equal(1, Owner.Endings);
        _write.Dispose();
    }

    [Fact]
    public async Task LoopEnds_WhilePaused_WhatWasReadIsStillThere()
    {
        _pump.Start();
        FillUntilPaused();
        await Loop.StopAsync().WaitAsync(TestTimeout);
        Assert.True(_pump.IsEnded);
        Reader.Complete();
        _write.Dispose();
    }

    [Fact]
    public async Task Start_AfterTheLoopEnded_IsRefused()
    {
        await Loop.StopAsync().WaitAsync(TestTimeout);
        Assert.Throws<ObjectDisposedException>(_pump.Start);
        Close();
    }

    [Fact]
    public async Task Reader_Completed_ClosesThePipeAtOnce()
    {
        _pump.Start();
        var reader = new PumpedPipeReader(Reader, _pump, this);
        reader.Complete();
        Assert.True(_pump.IsEnded);
        Assert.Equal(EPIPE, Libc.Write(_write.Descriptor, "x"u8).Errno);
        await Owner.Ended;
        _write.Dispose();
    }

    [Fact]
    public async Task Reader_UnderTheLoopsContext_ContinuesOnTheLoop()
    {
        _pump.Start();
        Task<bool> onLoop = Loop.InvokeAsync(async () =>
        {
            ReadResult result = await Reader.ReadAsync();
            Reader.AdvanceTo(result.Buffer.End);
            return Loop.IsOnLoopThread;
        });
        Libc.Write(_write.Descriptor, "x"u8);
        Assert.True(await onLoop.WaitAsync(TestTimeout));
        Close();
    }

    [Fact]
    public async Task Reader_WithoutAContext_ContinuesOnThePool()
    {
        _pump.Start();
        Task<bool> onPool = Task.Run(async () =>
        {
            ReadResult result = await Reader.ReadAsync();
            Reader.AdvanceTo(result.Buffer.End);
            return Thread.CurrentThread.IsThreadPoolThread;
        });
        Libc.Write(_write.Descriptor, "x"u8);
        Assert.True(await onPool.WaitAsync(TestTimeout));
        Close();
    }

    /// <summary>Until nothing moves any more: the pump has paused and the pipe is full. Returns how much went in.</summary>
    private long FillUntilPaused()
    {
        long sent = 0;
        Eventually.True(
            () =>
            {
                sent += Fill(_write);
                return _pump.IsPaused;
            },
            "a pause");
        return sent + Fill(_write);
    }

    private void Close()
    {
        _pump.Close(null);
        _write.Dispose();
        Reader.Complete();
    }

    private static byte[] Number(byte[] block, long offset)
    {
        BitConverter.TryWriteBytes(block, offset);
        return block;
    }

    private async Task<byte[]> ReadToEndAsync()
    {
        var all = new MemoryStream();
        await Reader.CopyToAsync(all).WaitAsync(TestTimeout);
        Reader.Complete();
        return all.ToArray();
    }
}
