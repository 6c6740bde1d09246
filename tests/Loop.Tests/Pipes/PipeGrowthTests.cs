using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Tmds.Linux;
using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.Pipes;

public sealed class PipeGrowthTests : PipeTest
{
    private const int PagesOfOne = PipeDefaults.GrownCapacity / 4096;

    private UnixHandle _read = null!;
    private UnixHandle _write = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        (_read, _write) = NewPipe();
    }

    [Fact]
    public async Task Rule13_FoundFullTwice_GrowsOnceAndGivesItsShareBack()
    {
        var budget = new PipeBudget(PagesOfOne);
        ReadPump pump = NewPump(budget);
        Assert.Equal(PipeDefaults.Capacity, Fill(_write));
        pump.Start();
        await SettleAsync();
        Assert.Equal(PipeDefaults.Capacity, CapacityOf(_write));
        await FillOnTheLoopAsync();
        Assert.Equal(PipeDefaults.GrownCapacity, CapacityOf(_write));
        Assert.Equal(0, budget.PagesLeft);
        pump.Close(null);
        Assert.Equal(PagesOfOne, budget.PagesLeft);
        _write.Dispose();
    }

    [Fact]
    public async Task Rule13_FullButNotTwiceInARow_StaysSmall()
    {
        ReadPump pump = NewPump(new PipeBudget(PagesOfOne));
        pump.Start();
        for (int i = 0; i < 3; i++)
        {
            await FillOnTheLoopAsync();
            Libc.Write(_write.Descriptor, "x"u8);
            await SettleAsync();
        }
        Assert.Equal(PipeDefaults.Capacity, CapacityOf(_write));
        pump.Close(null);
        _write.Dispose();
    }

    [Fact]
    public async Task Rule13_AGrownPipeThatIsFull_IsEmptiedInOneRead_AndASlowOneTakesNoLargeBlock()
    {
        var sink = new CountingSink();
        ReadPump pump = NewPump(new PipeBudget(PagesOfOne), sink);
        pump.Start();
        for (int i = 0; i < 3; i++)
            await FillOnTheLoopAsync();
        Assert.Equal(PipeDefaults.GrownCapacity, sink.LastRead);
        Libc.Write(_write.Descriptor, "x"u8);
        await SettleAsync();
        Libc.Write(_write.Descriptor, "x"u8);
        await SettleAsync();
        Assert.Equal((1, PipeDefaults.SmallestRead), (sink.LastRead, sink.LastRoom));
        pump.Close(null);
        _write.Dispose();
    }

    [Fact]
    public async Task Rule13_BudgetUsedUp_StaysSmall()
    {
        var budget = new PipeBudget(PagesOfOne - 1);
        ReadPump pump = NewPump(budget);
        pump.Start();
        for (int i = 0; i < 4; i++)
            await FillOnTheLoopAsync();
        Assert.Equal(PipeDefaults.Capacity, CapacityOf(_write));
        Assert.Equal(PagesOfOne - 1, budget.PagesLeft);
        pump.Close(null);
        _write.Dispose();
    }

    [Fact]
    public void Rule13_NotAPipe_IsLeftAloneAndCostsNothing()
    {
        var budget = new PipeBudget(PagesOfOne);
        using UnixHandle event_ = new(Libc.EventFd().IntValue);
        Assert.False(budget.TryGrow(event_.Descriptor));
        Assert.Equal(PagesOfOne, budget.PagesLeft);
        Assert.True(budget.TryGrow(_read.Descriptor));
        _read.Dispose();
        _write.Dispose();
    }

    [Fact]
    public void Rule13_TheSharedBudget_IsAQuarterOfTheSoftLimit()
    {
        int limit = int.Parse(File.ReadAllText("/proc/sys/fs/pipe-user-pages-soft"));
        Assert.Equal((limit == 0 ? 16384 : limit) / 4, PipeBudget.Shared.PagesLeft);
        _read.Dispose();
        _write.Dispose();
    }

    [Fact]
    public async Task Rule13_AGrownPipe_IsEdgeTriggeredAndASmallOneIsNot()
    {
        ReadPump pump = NewPump(new PipeBudget(PagesOfOne));
        pump.Start();
        Assert.Equal((uint)EPOLLIN, RegisteredEvents());
        await GrowAsync();
        Assert.Equal((uint)(EPOLLIN | EPOLLET), RegisteredEvents());
        pump.Close(null);
        _write.Dispose();
    }

    [Fact]
    public async Task Rule13_AGrownPipeHoldsMoreThanATurnMayRead_TheRestComesWithoutAnotherWrite()
    {
        var sink = new CountingSink();
        ReadPump pump = NewPump(new PipeBudget(PagesOfOne), sink);
        pump.Start();
        await GrowAsync();
        long before = sink.Total;
        int filled = 0;
        await Loop.InvokeAsync(() =>
        {
            // The other side may do so too.
            PosixError.ThrowIfError(Libc.Fcntl(_write.Descriptor, F_SETPIPE_SZ, PipeDefaults.LargestCapacity), "fcntl");
            filled = Fill(_write);
        }).WaitAsync(TestTimeout);
        Assert.Equal(PipeDefaults.LargestCapacity, filled);
        Eventually.True(() => sink.Total - before == filled, "all that was written is read");
        pump.Close(null);
        _write.Dispose();
    }

    [Fact]
    public async Task Rule13_AGrownPipeInPacketMode_GivesEachPacketWithoutAnotherWrite()
    {
        var sink = new CountingSink();
        ReadPump pump = NewPump(new PipeBudget(PagesOfOne), sink);
        pump.Start();
        await GrowAsync();
        long before = sink.Total;
        await Loop.InvokeAsync(() =>
        {
            PosixError.ThrowIfError(Libc.Fcntl(_write.Descriptor, F_SETFL, O_NONBLOCK | O_DIRECT), "fcntl");
            for (int i = 0; i < 3; i++)
                PosixError.ThrowIfError(Libc.Write(_write.Descriptor, new byte[4096]), "write");
        }).WaitAsync(TestTimeout);
        Eventually.True(() => sink.Total - before == 3 * 4096, "all three packets are read");
        pump.Close(null);
        _write.Dispose();
    }

    [Fact]
    public async Task Rule13_AGrownPipeIsPausedWithBytesInIt_ResumingReadsThemWithoutAnotherWrite()
    {
        var sink = new CountingSink();
        ReadPump pump = NewPump(new PipeBudget(PagesOfOne), sink);
        pump.Start();
        await GrowAsync();
        sink.IsFull = true;
        Libc.Write(_write.Descriptor, "x"u8);
        Eventually.True(() => pump.IsPaused, "the sink is full");
        long before = sink.Total;
        Libc.Write(_write.Descriptor, "yz"u8);
        await SettleAsync();
        Assert.Equal(before, sink.Total);
        sink.IsFull = false;
        pump.Resume();
        Eventually.True(() => sink.Total == before + 2, "what came meanwhile is read");
        _write.Dispose();
        await Owner.Ended;
        Assert.Null(pump.Failure);
    }

    /// <summary>Sizes around a packet, the small capacity and the grown one, and readers that come late: an edge that is missed would be waited for.</summary>
    [Fact]
    public async Task Rule13_WriterOfAnySizeBesideAGrownPipesReader_EveryByteArrivesAndTheEnd()
    {
        var sink = new CountingSink();
        ReadPump pump = NewPump(new PipeBudget(PagesOfOne), sink);
        pump.Start();
        await GrowAsync();
        long before = sink.Total, sent = 0;
        Random random = new(1);
        int[] sizes = [1, 4095, 4096, 4097, PipeDefaults.Capacity, PipeDefaults.GrownCapacity - 1, PipeDefaults.GrownCapacity, PipeDefaults.GrownCapacity + 1];
        byte[] bytes = new byte[sizes[^1]];
        for (int i = 0; i < 2000; i++)
        {
            int size = sizes[random.Next(sizes.Length)];
            for (int written = 0; written < size;)
            {
                PosixResult result = Libc.Write(_write.Descriptor, bytes.AsSpan(written, size - written));
                if (result.IsSuccess)
                    written += result.IntValue;
                else
                    Eventually.True(() => IsWritable(_write), "the reader goes on");
            }
            sent += size;
            if (random.Next(3) == 0)
                Eventually.True(() => sink.Total - before == sent, "all that was written is read");
        }
        _write.Dispose();
        await Owner.Ended;
        Assert.Equal(sent, sink.Total - before);
    }

    private async Task GrowAsync()
    {
        for (int i = 0; i < 2; i++)
            await FillOnTheLoopAsync();
        Assert.Equal(PipeDefaults.GrownCapacity, CapacityOf(_write));
    }

    /// <summary>What the loop's epoll has of the read end, which it alone watches (proc_pid_fdinfo(5): target, mask).</summary>
    private uint RegisteredEvents() =>
        Directory.GetFiles("/proc/self/fdinfo").SelectMany(Lines)
            .Where(line => line.Length > 3 && line[0] == "tfd:" && line[1] == _read.Descriptor.ToString(CultureInfo.InvariantCulture))
            .Select(line => uint.Parse(line[3], NumberStyles.HexNumber, CultureInfo.InvariantCulture) & ~(uint)(EPOLLERR | EPOLLHUP))
            .Single();

    private static IEnumerable<string[]> Lines(string file)
    {
        try
        {
            return [.. File.ReadLines(file).Select(static line => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))];
        }
        catch (IOException)
        {
            return []; // closed since the folder was read
        }
    }

    private static unsafe bool IsWritable(UnixHandle end)
    {
        pollfd poll = new() { fd = end.Descriptor, events = (short)POLLOUT };
        return PosixError.ThrowIfError(Libc.Poll(&poll, 1, 0), "poll") == 1;
    }

    /// <summary>The loop finds the pipe full: it can't read while it fills it.</summary>
    private async Task FillOnTheLoopAsync()
    {
        await Loop.InvokeAsync(() => Fill(_write)).WaitAsync(TestTimeout);
        await SettleAsync();
    }

    private ReadPump NewPump(PipeBudget budget, CountingSink? sink = null) =>
        new(Loop, _read, sink ?? new CountingSink(), Owner, budget, NullLogger.Instance);

    private sealed class CountingSink : IReadSink
    {
        private byte[] _room = [];
        private long _total;
        private bool _isFull;

        internal int LastRead { get; private set; }

        internal int LastRoom { get; private set; }

        internal long Total => Volatile.Read(ref _total);

        internal bool IsFull { get => Volatile.Read(ref _isFull); set => Volatile.Write(ref _isFull, value); }

        public void Attach(ReadPump pump)
        {
        }

        public Span<byte> GetSpan(int sizeHint)
        {
            LastRoom = sizeHint;
            if (_room.Length < sizeHint)
                _room = new byte[sizeHint];
            return _room.AsSpan(0, sizeHint);
        }

        public void Advance(int count)
        {
            LastRead = count;
            Volatile.Write(ref _total, _total + count);
        }

        public bool Flush() => !IsFull;

        public void Complete(Exception? error)
        {
        }
    }
}
