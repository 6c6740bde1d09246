using Tmds.Linux;
using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;
using UnixLoop.Transports.SendFile;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.Pipes;

/// <summary>A grown pipe is edge-triggered; what a turn leaves in it is read all the same, whether anything is written meanwhile or not.</summary>
public sealed class GrownPipeReadingTests : GrownPipeTest
{
    [Fact]
    public async Task Rule13_AGrownPipe_IsEdgeTriggeredWhileItsTurnsBringMoreThanAPage()
    {
        CountingSink sink = new();
        ReadPump pump = NewPump(new PipeBudget(PagesOfOne), sink);
        pump.Start();
        Assert.Equal(Levels, RegisteredEvents());
        await GrowAsync();
        Assert.Equal(Edges, RegisteredEvents());
        await WriteAsync(PipeDefaults.LargestPacket);
        Assert.Equal(Levels, RegisteredEvents());
        await WriteAsync(PipeDefaults.LargestPacket + 1);
        Assert.Equal(Edges, RegisteredEvents());
        await Loop.InvokeAsync(() => pump.OnReady(Levels)).WaitAsync(TestTimeout); // an edge whose bytes the turn before has read
        Assert.Equal(Edges, RegisteredEvents());
        pump.Close(null);
        WriteEnd.Dispose();

        async Task WriteAsync(int size)
        {
            long before = sink.Total;
            await Loop.InvokeAsync(() => Libc.Write(WriteEnd.Descriptor, new byte[size])).WaitAsync(TestTimeout);
            await SettleAsync();
            Assert.Equal(before + size, sink.Total);
        }
    }

    [Fact]
    public async Task Rule13_AGrownPipeThatIsReadNoMore_IsLookedAtOnceMoreAndThenLeftAlone()
    {
        (ReadPump pump, CountingSink sink) = await StartGrownAsync();
        await Loop.InvokeAsync(() => ReadMoreThanAPage(pump, sink)).WaitAsync(TestTimeout);
        Eventually.True(() => Loop.GetStatistics().Timers == 0, "it has been looked at");
        Assert.Equal(Edges, RegisteredEvents());
        Assert.InRange(await CountIdleTurnsAsync(), 0, 2);
        pump.Close(null);
        WriteEnd.Dispose();
    }

    [Fact]
    public async Task Rule13_AGrownPipeIsClosedBeforeTheSecondLook_NoTimerIsLeft()
    {
        (ReadPump pump, CountingSink sink) = await StartGrownAsync();
        await Loop.InvokeAsync(() =>
        {
            ReadMoreThanAPage(pump, sink);
            pump.Close(null);
            Assert.Equal(0, Loop.GetStatistics().Timers);
        }).WaitAsync(TestTimeout);
        WriteEnd.Dispose();
    }

    /// <summary>
    /// The read that takes the plain bytes ends at the first packet, and so comes back short of a pipe that is full; the writer, which
    /// sleeps since before it, gets some room and sleeps again without waking a reader (pipe_write wakes one if the pipe was empty).
    /// </summary>
    [Fact]
    public async Task Rule13_WriterTurnsPacketModeOnBehindPlainBytesAndFillsThePipe_EveryByteArrives()
    {
        (ReadPump pump, CountingSink sink) = await StartGrownAsync();
        long before = sink.Total;
        const int Plain = 60_000, Packets = 3_000_001;
        Task? writing = null;
        await Loop.InvokeAsync(() =>
        {
            Assert.Equal(Plain, PosixError.ThrowIfError(Libc.Write(WriteEnd.Descriptor, new byte[Plain]), "write"));
            PosixError.ThrowIfError(Libc.Fcntl(WriteEnd.Descriptor, F_SETFL, O_DIRECT), "fcntl");
            writing = Task.Factory.StartNew(
                () => Assert.Equal(Packets, PosixError.ThrowIfError(Libc.Write(WriteEnd.Descriptor, new byte[Packets]), "write")), TaskCreationOptions.LongRunning);
            Eventually.True(() => !IsWritable(WriteEnd), "the pipe is full");
        }).WaitAsync(TestTimeout);
        await writing!.WaitAsync(TestTimeout);
        Eventually.True(() => sink.Total - before == Plain + Packets, "every packet is read");
        pump.Close(null);
        WriteEnd.Dispose();
    }

    [Fact]
    public async Task Rule13_AGrownPipeHoldsMoreThanATurnMayRead_TheRestComesWithoutAnotherWrite()
    {
        (ReadPump pump, CountingSink sink) = await StartGrownAsync();
        long before = sink.Total;
        int filled = 0;
        await Loop.InvokeAsync(() =>
        {
            // The other side may do so too.
            PosixError.ThrowIfError(Libc.Fcntl(WriteEnd.Descriptor, F_SETPIPE_SZ, PipeDefaults.LargestCapacity), "fcntl");
            filled = Fill(WriteEnd);
        }).WaitAsync(TestTimeout);
        Assert.Equal(PipeDefaults.LargestCapacity, filled);
        Eventually.True(() => sink.Total - before == filled, "all that was written is read");
        pump.Close(null);
        WriteEnd.Dispose();
    }

    [Fact]
    public async Task Rule13_AGrownPipeInPacketMode_GivesEachPacketWithoutAnotherWrite()
    {
        (ReadPump pump, CountingSink sink) = await StartGrownAsync();
        long before = sink.Total;
        await Loop.InvokeAsync(() =>
        {
            PosixError.ThrowIfError(Libc.Fcntl(WriteEnd.Descriptor, F_SETFL, O_NONBLOCK | O_DIRECT), "fcntl");
            for (int i = 0; i < 3; i++)
                PosixError.ThrowIfError(Libc.Write(WriteEnd.Descriptor, new byte[4096]), "write");
            pump.OnReady(Levels);
            Assert.Equal(before + 4096, sink.Total); // one packet for a turn: many small ones hold up nobody else
        }).WaitAsync(TestTimeout);
        Eventually.True(() => sink.Total - before == 3 * 4096, "all three packets are read");
        pump.Close(null);
        WriteEnd.Dispose();
    }

    /// <summary>Once the other side has hung up, one turn reads packet after packet up to its limit, and the last of them has to fit.</summary>
    [Theory]
    [InlineData(3333)]
    [InlineData(4095)]
    public async Task Rule13_ALargePipeOfPacketsAtItsEnd_LosesNoByteAtTheTurnsLimit(int size)
    {
        PosixError.ThrowIfError(Libc.Fcntl(WriteEnd.Descriptor, F_SETPIPE_SZ, PipeDefaults.LargestCapacity), "fcntl");
        PosixError.ThrowIfError(Libc.Fcntl(WriteEnd.Descriptor, F_SETFL, O_NONBLOCK | O_DIRECT), "fcntl");
        long filled = 0;
        while (Libc.Write(WriteEnd.Descriptor, new byte[size]).IsSuccess)
            filled += size;
        Assert.InRange(filled, PipeDefaults.BytesPerTurn + 1, int.MaxValue);
        WriteEnd.Dispose();
        CountingSink sink = new();
        NewPump(new PipeBudget(0), sink).Start();
        await Owner.Ended;
        Assert.Equal(filled, sink.Total);
    }

    [Fact]
    public async Task Rule13_AGrownPipeIsPausedWithBytesInIt_ResumingReadsThemWithoutAnotherWrite()
    {
        (ReadPump pump, CountingSink sink) = await StartGrownAsync();
        sink.IsFull = true;
        Libc.Write(WriteEnd.Descriptor, "x"u8);
        Eventually.True(() => pump.IsPaused, "the sink is full");
        long before = sink.Total;
        Libc.Write(WriteEnd.Descriptor, "yz"u8);
        await SettleAsync();
        Assert.Equal(before, sink.Total);
        sink.IsFull = false;
        pump.Resume();
        Eventually.True(() => sink.Total == before + 2, "what came meanwhile is read");
        WriteEnd.Dispose();
        await Owner.Ended;
        Assert.Null(pump.Failure);
    }

    /// <summary>Sizes around a packet, the small capacity and the grown one, and readers that come late: an edge that is missed would be waited for.</summary>
    [Fact]
    public async Task Rule13_WriterOfAnySizeBesideAGrownPipesReader_EveryByteArrivesAndTheEnd()
    {
        (ReadPump pump, CountingSink sink) = await StartGrownAsync();
        long before = sink.Total, sent = 0;
        Random random = new(1);
        int[] sizes = [1, 4095, 4096, 4097, PipeDefaults.Capacity, PipeDefaults.GrownCapacity - 1, PipeDefaults.GrownCapacity, PipeDefaults.GrownCapacity + 1];
        byte[] bytes = new byte[sizes[^1]];
        for (int i = 0; i < 2000; i++)
        {
            int size = sizes[random.Next(sizes.Length)];
            for (int written = 0; written < size;)
            {
                PosixResult result = Libc.Write(WriteEnd.Descriptor, bytes.AsSpan(written, size - written));
                if (result.IsSuccess)
                    written += result.IntValue;
                else
                    Eventually.True(() => IsWritable(WriteEnd), "the reader goes on");
            }
            sent += size;
            if (random.Next(3) == 0)
                Eventually.True(() => sink.Total - before == sent, "all that was written is read");
        }
        WriteEnd.Dispose();
        await Owner.Ended;
        Assert.Equal(sent, sink.Total - before);
    }

    /// <summary>The kernel wakes the reader of a writer that is about to sleep only where the pipe was empty before.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Rule13_WriterThatBlocksAndASinkOfSmallBlocks_EveryByteArrivesAndTheEnd(bool isDrainedMeanwhile)
    {
        (ReadPump pump, CountingSink sink) = await StartGrownAsync(mostRoom: PipeDefaults.Capacity);
        long before = sink.Total;
        const int Size = 3_000_001, Writes = 40;
        PosixError.ThrowIfError(Libc.Fcntl(WriteEnd.Descriptor, F_SETFL, 0), "fcntl");
        Task writing = Task.Factory.StartNew(
            () =>
            {
                byte[] bytes = new byte[Size];
                for (int i = 0; i < Writes; i++)
                    Assert.Equal(Size, PosixError.ThrowIfError(Libc.Write(WriteEnd.Descriptor, bytes), "write"));
            },
            TaskCreationOptions.LongRunning);
        // As an exit does, on another thread than the loop's.
        Task draining = !isDrainedMeanwhile ? Task.CompletedTask : Task.Run(() =>
        {
            while (!writing.IsCompleted)
                pump.Drain();
        });
        await Task.WhenAll(writing, draining).WaitAsync(TestTimeout);
        WriteEnd.Dispose();
        await Owner.Ended;
        Assert.Equal((long)Size * Writes, sink.Total - before);
    }

    [Fact]
    public async Task Rule13_AGrownPipeIsTakenBackWithBytesInIt_TheyAreReadWithoutAnotherWrite()
    {
        (ReadPump pump, CountingSink sink) = await StartGrownAsync();
        long before = sink.Total;
        Assert.True(pump.TryLend(new IdleBorrower()));
        Libc.Write(WriteEnd.Descriptor, "xyz"u8);
        await SettleAsync();
        Assert.Equal(before, sink.Total);
        pump.TakeBack(isAtEnd: false, failure: null);
        Eventually.True(() => sink.Total == before + 3, "what came meanwhile is read");
        Assert.Equal(Levels, RegisteredEvents());
        pump.Close(null);
        WriteEnd.Dispose();
    }

    /// <summary>In one turn, at whose end the second look is due; the event of it comes to a pipe that is empty.</summary>
    private void ReadMoreThanAPage(ReadPump pump, CountingSink sink)
    {
        long before = sink.Total;
        int size = PipeDefaults.LargestPacket + 1;
        Assert.Equal(size, Libc.Write(WriteEnd.Descriptor, new byte[size]).IntValue);
        pump.OnReady(Levels);
        Assert.Equal(before + size, sink.Total);
        Assert.Equal(1, Loop.GetStatistics().Timers);
    }

    private static unsafe bool IsWritable(UnixHandle end)
    {
        pollfd poll = new() { fd = end.Descriptor, events = (short)POLLOUT };
        return PosixError.ThrowIfError(Libc.Poll(&poll, 1, 0), "poll") == 1;
    }

    private sealed class IdleBorrower : ISpliceBorrower
    {
        public void OnReadable()
        {
        }

        public void OnSourceGone(Exception? error)
        {
        }

        public bool TryCancelRead() => false;
    }
}
